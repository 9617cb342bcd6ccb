import { inspect } from "node:util";
import { startAnswer } from "@multimaster/config";

/** What a function says of a request, and until when it is not asked again, by the clock. */
export type Answer =
  | { readonly kind: "yes"; readonly until: number }
  | { readonly kind: "no"; readonly why: string; readonly until: number };

/** How long a yes is used: a request that does not start within that time is asked about again. */
const yesMs = 15_000;
/** After how long a function is called again that has refused without saying when. */
const againMs = 30_000;
/** The same after it failed. */
const failedMs = 60_000;
/** It is called again no sooner: each call costs the engine, and maybe a command on the worker. */
const soonestMs = 1000;

/** What `canStart` or `accepts` returned, as an answer; throws if it is none. */
export function readAnswer(result: unknown, now: number): Answer {
  const parsed = startAnswer.safeParse(result);
  if (!parsed.success)
    throw new Error(
      `it returned ${inspect(result, { depth: 1, maxStringLength: 100 })}, which is neither true, false, a reason nor { refused, askAgainIn }`,
    );
  const answer = parsed.data;
  if (answer === true) return { kind: "yes", until: now + yesMs };
  if (answer === false) return { kind: "no", why: "it returned false", until: now + againMs };
  if (typeof answer === "string") return { kind: "no", why: oneLine(answer), until: now + againMs };
  return { kind: "no", why: oneLine(answer.refused), until: now + Math.max(soonestMs, answer.askAgainIn ?? againMs) };
}

/** Of a function that failed. */
export const failedAnswer = (why: string, now: number): Answer => ({ kind: "no", why, until: now + failedMs });

/** Reasons are parts of sentences. */
function oneLine(text: string): string {
  return text
    .replace(/\s+/g, " ")
    .trim()
    .replace(/[.;]+$/, "")
    .slice(0, 500);
}
