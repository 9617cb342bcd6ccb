import { setTimeout as sleep } from "node:timers/promises";
import type { Json } from "@multimaster/core";

/** No connection is kept waiting for longer. */
export const longestWaitSeconds = 60;
const pollMs = 250;

/**
 * The optional `wait` of an action: seconds for which the caller waits until the master that holds the thing has done it. It
 * polls the rows, so it makes no difference which master was asked, nor whether messages flow. Without it the answer is
 * `null`, as Buildbot's; with it, the state at the end.
 */
export async function awaitOutcome<Answer extends Json>(
  wait: number | undefined,
  poll: () => Promise<{ readonly done: boolean; readonly answer: Answer }>,
): Promise<Answer | null> {
  if (wait === undefined) return null;
  const until = performance.now() + 1000 * wait;
  for (;;) {
    const { done, answer } = await poll();
    if (done || performance.now() >= until) return answer;
    await sleep(pollMs);
  }
}
