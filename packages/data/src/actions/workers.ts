import { errors } from "@multimaster/core";
import { z } from "zod";
import { type ActionContext, defineAction, type Prepared } from "./action.ts";
import { awaitOutcome } from "./await-outcome.ts";
import { reason, wait } from "./parameters.ts";

export interface WorkerNow {
  readonly workerid: number;
  readonly name: string;
  readonly graceful: boolean;
  readonly connected_to: readonly object[];
}

type Context = ActionContext<WorkerNow>;

const ending = z.object({ reason, wait });
const pausing = z.object({ reason });
const wrongNote = "'note' must be a text of at most 2000 characters, or null";
const noting = z.object({ note: z.string(wrongNote).max(2000, wrongNote).nullable() });

/** The row decides; an engine that misses the message finds the row when it next polls. */
export const workerActions = {
  stop: defineAction(ending, (context: Context, worker: WorkerNow, how) => end(context, worker, "stop", how)),
  kill: defineAction(ending, (context: Context, worker: WorkerNow, how) => end(context, worker, "kill", how)),
  pause: defineAction(pausing, (context: Context, worker: WorkerNow, { reason }) =>
    setPaused(context, worker, true, reason),
  ),
  unpause: defineAction(pausing, (context: Context, worker: WorkerNow, { reason }) =>
    setPaused(context, worker, false, reason),
  ),
  note: defineAction(noting, ({ updates, actor, trail }: Context, { workerid }: WorkerNow, { note }) => ({
    async perform() {
      await updates.workers.setNote(workerid, note, { name: actor.name, trail });
      return null;
    },
  })),
};

function setPaused(
  { updates, control, actor, trail }: Context,
  { workerid }: WorkerNow,
  paused: boolean,
  reason: string,
): Prepared {
  return {
    async perform() {
      await updates.workers.setPaused(workerid, paused, paused ? reason : null, { name: actor.name, trail });
      control("worker", workerid, paused ? "pause" : "unpause", { reason });
      return null;
    },
  };
}

function end(
  { updates, control, trail, reload }: Context,
  { workerid, name, connected_to }: WorkerNow,
  action: "stop" | "kill",
  { reason, wait }: z.output<typeof ending>,
): Prepared {
  return {
    async perform() {
      // A worker that is not attached would end when it attaches.
      if (connected_to.length === 0) throw errors.workerNotAttached(name);
      await updates.workers.setGraceful(workerid, action === "kill" ? "at once" : true, trail);
      control("worker", workerid, action, { reason });
      return awaitOutcome(wait, async () => {
        const now = await reload();
        const attached = now.connected_to.length > 0;
        // A worker that has already attached again has ended before.
        const ended = !attached || !now.graceful;
        return { done: ended, answer: { attached, ended } };
      });
    },
  };
}
