import type { Action } from "../define-resource.ts";
import { readReason } from "./read-reason.ts";

type Named = { readonly workerid: number };

/** The row decides, so that an engine that misses the message sees it at its next look; the message only hurries it. */
export const workerActions: Record<"stop" | "kill" | "pause" | "unpause", Action<Named>> = {
  async stop({ updates, control }, { workerid }, params) {
    const reason = readReason(params);
    await updates.workers.setGraceful(workerid, true);
    control("worker", workerid, "stop", { reason });
    return null;
  },
  async kill({ updates, control }, { workerid }, params) {
    const reason = readReason(params);
    await updates.workers.setGraceful(workerid, true);
    control("worker", workerid, "kill", { reason });
    return null;
  },
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
