import { callContained, FunctionBlocked, isThenable } from "@multimaster/core";
import { ReportFailure } from "../report-failure.ts";

/** A function that blocks its master so often within this time is not called for as long. */
const mostBlocks = 3;
const suspendedMs = 600_000;

interface Blocks {
  /** When it blocked, by the monotonic clock. */
  readonly times: readonly number[];
  /** It is not called before, and why. */
  readonly until: number;
  readonly why: string;
}

/** Of functions of the config that blocked lately. */
const known = new WeakMap<object, Blocks>();

/** A function of the config that kept blocking its master is not called for a while. */
export class FunctionSuspended extends Error {
  readonly leftMs: number;

  constructor(why: string, leftMs: number) {
    super(why);
    this.leftMs = leftMs;
  }
}

/** What a report fails with whose function `name` is not called for a while. */
export const waitForFunction = (name: string, suspended: FunctionSuspended): ReportFailure =>
  new ReportFailure(
    `its function "${name}" ${suspended.message.replace(/^it /, "")}`,
    { of: "suspended", retryAfterMs: suspended.leftMs },
    { cause: suspended },
  );

/** Calls a function of the config within its time limit; `fn`: by which it is recognized. One that keeps blocking is not called for a while. */
export function callGuarded<T>(fn: object, call: () => T, ms?: number): T {
  const why = suspensionOf(fn);
  if (why !== undefined) throw new FunctionSuspended(why, Math.max(0, (known.get(fn)?.until ?? 0) - performance.now()));
  try {
    return callContained(call, ms);
  } catch (error) {
    if (error instanceof FunctionBlocked) noteBlock(fn);
    throw error;
  }
}

/**
 * Calls it, and returns a copy of what it answers: what its getters or `toJSON` do counts as its own work. A promise is returned as
 * it is: what it brings is given to this function again.
 */
export function callForData(fn: object, call: () => unknown, ms?: number): unknown {
  return callGuarded(fn, () => copyData(call()), ms);
}

/** A copy with plain properties alone; what JSON has no text for stays as it is. Throws for an object within itself. */
function copyData(answer: unknown): unknown {
  if (typeof answer !== "object" || answer === null || isThenable(answer)) return answer;
  const text = JSON.stringify(answer) as string | undefined;
  return text === undefined ? answer : JSON.parse(text);
}

function noteBlock(fn: object): void {
  const now = performance.now();
  const before = known.get(fn);
  const times = [...(before?.times ?? []).filter((time) => time > now - 2 * suspendedMs), now].slice(-mostBlocks);
  const at = new Date(Date.now() + suspendedMs).toISOString().replace(/\.\d+Z$/, "Z");
  const why = `it blocked its master ${mostBlocks} times, and is not called before ${at}`;
  known.set(fn, { times, until: times.length < mostBlocks ? 0 : now + suspendedMs, why });
}

/** Why a function is not called now; undefined: it is. */
export function suspensionOf(fn: object): string | undefined {
  const blocks = known.get(fn);
  return blocks && blocks.until > performance.now() ? blocks.why : undefined;
}
