import { claimedOf, fencedTransaction } from "@multimaster/cluster";
import {
  type Connection,
  findOrCreateWorkers,
  readEngineLoads,
  saveWorkerInfos,
  saveWorkerOffers,
  setWorkerGraceful,
  setWorkerPaused,
  workerStates,
} from "@multimaster/database";
import { claimWorkers, contestedWorkers, keepWorker, releaseClaim } from "@multimaster/lifecycle";
import type { WorkerInfo, WorkerUpdates } from "../contract/workers.ts";
import type { Lost } from "../contract.ts";
import type { Trail } from "../model/actor.ts";
import { workers } from "../resources/workers.ts";
import { batched } from "./batched.ts";
import type { UpdateContext } from "./update-context.ts";
import { writeWithTrail } from "./write-with-trail.ts";

export function createWorkerUpdates(context: UpdateContext): WorkerUpdates {
  const { database, lease, events, announce, announceOutcomes } = context;
  const written = (write: (tx: Connection) => Promise<boolean>, trail: Trail | undefined) =>
    writeWithTrail(database, write, trail);
  /** All in one transaction: what is told of the info of a worker that went to another master is not stored. */
  async function attach(
    comers: readonly { workerid: number; info: WorkerInfo; maxBuilds?: number }[],
  ): Promise<("attached" | Lost)[]> {
    const claims = await fencedTransaction(database, lease, async (tx) => {
      const ids = comers.map(({ workerid }) => workerid);
      const claims = await claimWorkers(tx, lease, ids);
      const infos = new Map(comers.map(({ workerid, info }) => [workerid, info]));
      for (const [workerid, claim] of claims) if (claim.kind === "lost") infos.delete(workerid);
      await saveWorkerInfos(tx, infos);
      const offers = comers.flatMap(({ workerid, maxBuilds }) =>
        maxBuilds !== undefined && infos.has(workerid) ? [{ workerid, masterid: lease.masterid, maxBuilds }] : [],
      );
      await saveWorkerOffers(tx, offers);
      return claims;
    });
    await announce(events.of(workers).connected(claimedOf(claims)));
    return comers.map(({ workerid }) => (claims.get(workerid)?.kind === "claimed" ? "attached" : "lost"));
  }
  const attachOne = batched(attach);

  return {
    register: (names) => database.transaction((tx) => findOrCreateWorkers(tx, names)),
    attach: (workerid, info, maxBuilds) => attachOne({ workerid, info, maxBuilds }),
    async detach(workerid) {
      const outcomes = await database.transaction((tx) => releaseClaim(tx, lease, "worker", workerid));
      await announceOutcomes(outcomes);
    },
    contested: () => contestedWorkers(database, lease),
    async keep(workerid) {
      await keepWorker(database, lease, workerid);
    },
    engineLoads: () => readEngineLoads(database, lease.masterid),
    states: (workerids) => workerStates(database, workerids),
    async setPaused(workerid, paused, reason, trail) {
      if (!(await written((tx) => setWorkerPaused(tx, workerid, paused, reason), trail))) return;
      await announce(events.of(workers).state_updated([workerid]));
    },
    async setGraceful(workerid, graceful, trail) {
      if (!(await written((tx) => setWorkerGraceful(tx, workerid, graceful), trail))) return;
      await announce(events.of(workers).state_updated([workerid]));
    },
  };
}
