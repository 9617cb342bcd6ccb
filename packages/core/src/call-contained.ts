import { Script } from "node:vm";

/** How long a function of the config may keep the event loop for itself. */
export const blockMs = 1000;

/** A function of the config did not return in time, and was ended. */
export class FunctionBlocked extends Error {
  constructor(ms: number) {
    super(`it blocked its master for ${ms} ms without returning, and was ended`);
  }
}

const slot = Symbol.for("multimaster.contained-call");
const script = new Script('globalThis[Symbol.for("multimaster.contained-call")]()');

/**
 * Calls a function and ends it if it does not return in time: a script has a time limit that also ends an endless loop, in whatever
 * code the script has called. What an asynchronous function does after its first `await` is not limited by this.
 */
export function callContained<T>(fn: () => T, ms = blockMs): T {
  const place = globalThis as unknown as Record<symbol, (() => T) | undefined>;
  place[slot] = fn;
  try {
    return script.runInThisContext({ timeout: ms }) as T;
  } catch (error) {
    if ((error as { code?: unknown } | undefined)?.code === "ERR_SCRIPT_EXECUTION_TIMEOUT")
      throw new FunctionBlocked(ms);
    throw error;
  } finally {
    place[slot] = undefined;
  }
}

/**
 * The same of a function that an option may give; undefined if it gives none. Each contained call costs a thread that watches the
 * time, so one that calls nothing is to be avoided.
 */
export function callIfGiven<Args extends readonly unknown[], T>(
  fn: ((...args: Args) => T) | undefined,
  ...args: Args
): T | undefined {
  return fn && callContained(() => fn(...args));
}

/** Whether a function answered with a promise, of whatever kind. */
export const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
