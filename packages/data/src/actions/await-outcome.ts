import { setTimeout as sleep } from "node:timers/promises";
import { errors, type Json } from "@multimaster/core";
import type { ActionParams } from "../model/define-resource.ts";

/** No connection is kept waiting for longer. */
const longestSeconds = 60;
const lookMs = 250;

/**
 * The optional `wait` of an action: seconds for which the caller waits until whoever holds the thing has done it. The
 * rows tell, so it makes no difference which master was asked, nor whether messages flow. Without it the answer is
 * `null`, as Buildbot's; with it, how things stood at the end.
 */
export async function awaitOutcome(
  wait: number | undefined,
  look: () => Promise<{ readonly done: boolean; readonly answer: Json }>,
): Promise<Json> {
  if (wait === undefined) return null;
  const until = performance.now() + 1000 * wait;
  for (;;) {
    const { done, answer } = await look();
    if (done || performance.now() >= until) return answer;
    await sleep(lookMs);
  }
}

/** The parameter `wait`. Throws for what is no time, before anything was done. */
export function readWait({ wait }: ActionParams): number | undefined {
  if (wait === undefined || wait === null) return undefined;
  if (typeof wait !== "number" || !(wait >= 0 && wait <= longestSeconds))
    throw errors.requestInvalid(`'wait' must be a number of seconds, at most ${longestSeconds}`);
  return wait;
}
