import { errors, type Json } from "@multimaster/core";
import type { Action, ActionContext, ActionParams } from "../define-resource.ts";
import { awaitOutcome, readWait } from "./await-outcome.ts";
import { readReason } from "./read-reason.ts";

interface WorkerNow {
  readonly workerid: number;
  readonly name: string;
  readonly graceful: boolean;
  readonly connected_to: readonly object[];
}

/** The row decides, so that an engine that misses the message sees it at its next look; the message only hurries it. */
export const workerActions: Record<"stop" | "kill" | "pause" | "unpause", Action<WorkerNow>> = {
  stop: (context, worker, params) => end(context, worker, "stop", params),
  kill: (context, worker, params) => end(context, worker, "kill", params),
  async pause({ updates, control }, { workerid }, params) {
    const reason = readReason(params);
    await updates.workers.setPaused(workerid, true, reason);
    control("worker", workerid, "pause", { reason });
    return null;
  },
  async unpause({ updates, control }, { workerid }, params) {
    const reason = readReason(params);
    await updates.workers.setPaused(workerid, false, null);
    control("worker", workerid, "unpause", { reason });
    return null;
  },
};

async function end(
  { updates, control, reload }: ActionContext<WorkerNow>,
  { workerid, name, connected_to }: WorkerNow,
  action: "stop" | "kill",
  params: ActionParams,
): Promise<Json> {
  const reason = readReason(params);
  readWait(params["wait"]);
  // What was not there would end when it comes.
  if (connected_to.length === 0) throw errors.workerNotAttached(name);
  await updates.workers.setGraceful(workerid, action === "kill" ? "at once" : true);
  control("worker", workerid, action, { reason });
  return awaitOutcome(params, async () => {
    const now = await reload();
    const attached = now.connected_to.length > 0;
    // One that is back already has been ended, too.
    const ended = !attached || !now.graceful;
    return { done: ended, answer: { attached, ended } };
  });
}
