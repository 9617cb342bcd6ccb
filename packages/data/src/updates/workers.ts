import { claimWorker, contestedWorkers, fencedTransaction, keepWorker, releaseWorker } from "@multimaster/cluster";
import {
  findOrCreateWorkers,
  saveWorkerInfo,
  setWorkerGraceful,
  setWorkerPaused,
  workerStates,
} from "@multimaster/database";
import type { WorkerUpdates } from "../contract.ts";
import { workers } from "../resources/workers.ts";
import type { UpdateContext } from "./update-context.ts";

export function createWorkerUpdates({ database, lease, events, announce }: UpdateContext): WorkerUpdates {
  return {
    register: (names) => database.transaction((tx) => findOrCreateWorkers(tx, names)),
    async attach(workerid, info) {
      const claim = await claimWorker(database, lease, workerid);
      if (claim.kind === "lost") return "lost";
      await fencedTransaction(database, lease, (tx) => saveWorkerInfo(tx, workerid, info));
      await announce(events.publish(workers, "connected", [workerid]));
      return "attached";
    },
    async detach(workerid) {
      if (!(await releaseWorker(database, lease, workerid))) return;
      await announce(events.publish(workers, "disconnected", [workerid]));
    },
    contested: () => contestedWorkers(database, lease),
    async keep(workerid) {
      await keepWorker(database, lease, workerid);
    },
    async states(workerids) {
      const rows = await workerStates(database, workerids);
      return rows.map((row) => ({ ...row, paused: row.paused === 1, graceful: row.graceful === 1 }));
    },
    async setPaused(workerid, paused, reason) {
      if (!(await setWorkerPaused(database, workerid, paused, reason))) return;
      await announce(events.publish(workers, "state_updated", [workerid]));
    },
    async setGraceful(workerid, graceful) {
      if (!(await setWorkerGraceful(database, workerid, graceful))) return;
      await announce(events.publish(workers, "state_updated", [workerid]));
    },
  };
}
