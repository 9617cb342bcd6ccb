import { errors } from "@multimaster/core";
import type { Action, ActionContext, ActionParams, Prepared } from "../model/define-resource.ts";
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
  pause: (context, worker, params) => setPaused(context, worker, true, params),
  unpause: (context, worker, params) => setPaused(context, worker, false, params),
};

function setPaused(
  { updates, control, trail }: ActionContext<WorkerNow>,
  { workerid }: WorkerNow,
  paused: boolean,
  params: ActionParams,
): Prepared {
  const reason = readReason(params);
  return {
    async perform() {
      await updates.workers.setPaused(workerid, paused, paused ? reason : null, trail);
      control("worker", workerid, paused ? "pause" : "unpause", { reason });
      return null;
    },
  };
}

function end(
  { updates, control, trail, reload }: ActionContext<WorkerNow>,
  { workerid, name, connected_to }: WorkerNow,
  action: "stop" | "kill",
  params: ActionParams,
): Prepared {
  const reason = readReason(params);
  const wait = readWait(params);
  return {
    async perform() {
      // What was not there would end when it comes.
      if (connected_to.length === 0) throw errors.workerNotAttached(name);
      await updates.workers.setGraceful(workerid, action === "kill" ? "at once" : true, trail);
      control("worker", workerid, action, { reason });
      return awaitOutcome(wait, async () => {
        const now = await reload();
        const attached = now.connected_to.length > 0;
        // One that is back already has been ended, too.
        const ended = !attached || !now.graceful;
        return { done: ended, answer: { attached, ended } };
      });
    },
  };
}
