import { type Claim, claimedOf, fencedTransaction } from "@multimaster/cluster";
import {
  type Connection,
  type EngineLoad,
  findOrCreateWorkers,
  readEngineLoads,
  saveWorkerInfos,
  saveWorkerOffers,
  saveWorkerRules,
  saveWorkerTerms,
  setWorkerGraceful,
  setWorkerNote,
  type WorkerRule,
  type WorkerStateRow,
  type WorkerTerms,
  workerStates,
} from "@multimaster/database";
import {
  attachWorkers,
  contestedWorkers,
  type Departure,
  detachWorker,
  keepWorker,
  pauseWorker,
  reportMissingWorkers,
  resumeWorker,
  transition,
} from "@multimaster/lifecycle";
import type { Trail } from "../model/actor.ts";
import { workers } from "../resources/workers.ts";
import { batched } from "./batched.ts";
import type { UpdateContext } from "./update-context.ts";
import { writeWithTrail } from "./write-with-trail.ts";

export interface WorkerInfo {
  admin: string | null;
  host: string | null;
  access_uri: string | null;
  version: string | null;
}

export type { Departure, WorkerRule, WorkerTerms };

/** What an engine needs to know of a worker's rows, since any master may have changed them. */
export type WorkerState = WorkerStateRow;

/** The user who changes something about a worker, and the audit row of that. */
export interface WorkerAsker {
  readonly name: string;
  readonly trail: Trail;
}

export interface WorkerUpdates {
  /** Finds or creates the rows; ids by name. */
  register(names: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /**
   * Claims the worker for this master and marks it connected (fenced). Lost: another live master has it; that one is
   * asked to check its connection. `maxBuilds`: how many builds this master runs on it at a time.
   */
  attach(workerid: number, info: WorkerInfo, maxBuilds?: number): Promise<Claim>;
  /** Writes what the config says of workers. */
  saveTerms(terms: readonly WorkerTerms[], rules?: readonly WorkerRule[]): Promise<void>;
  /** Detaches the worker (only if it is attached here), notes why, and publishes `disconnected`. */
  detach(workerid: number, departure?: Departure): Promise<void>;
  /** Reports workers that are away for too long, each absence once in the cluster. Every master's loop runs it. */
  reportMissing(): Promise<void>;
  /** Workers of this master that another master was offered too: ping them, and detach those that do not answer. */
  contested(): Promise<number[]>;
  /** The contested worker answers on its connection here: it stays. */
  keep(workerid: number): Promise<void>;
  states(workerids: readonly number[]): Promise<WorkerState[]>;
  /** The live engines with the same builder sets as this one, itself included, and how many workers each has. */
  engineLoads(): Promise<EngineLoad[]>;
  /** A user pauses or resumes the worker; resuming also ends a quarantine. `by`: the user's name, if it is known. */
  setPaused(workerid: number, paused: boolean, reason: string | null, by?: WorkerAsker): Promise<void>;
  /** Replaces the note that users see; null: the config's note again. */
  setNote(workerid: number, note: string | null, by?: WorkerAsker): Promise<void>;
  setGraceful(workerid: number, graceful: boolean | "at once", trail?: Trail): Promise<void>;
}

export function createWorkerUpdates(context: UpdateContext): WorkerUpdates {
  const { database, lease, events, track, publishOutcomes } = context;
  const written = (write: (tx: Connection) => Promise<boolean>, trail: Trail | undefined) =>
    writeWithTrail(database, write, trail);
  /** All in one transaction: the info of a worker that went to another master is not stored. */
  async function attach(
    attaching: readonly { workerid: number; info: WorkerInfo; maxBuilds?: number }[],
  ): Promise<Claim[]> {
    const claims = await fencedTransaction(database, lease, async (tx) => {
      const ids = attaching.map(({ workerid }) => workerid);
      const { result: claims } = await attachWorkers(tx, lease, ids);
      const infos = new Map(attaching.map(({ workerid, info }) => [workerid, info]));
      for (const [workerid, claim] of claims) if (claim.kind === "lost") infos.delete(workerid);
      await saveWorkerInfos(tx, infos);
      const offers = attaching.flatMap(({ workerid, maxBuilds }) =>
        maxBuilds !== undefined && infos.has(workerid) ? [{ workerid, masterid: lease.masterid, maxBuilds }] : [],
      );
      await saveWorkerOffers(tx, offers);
      return claims;
    });
    await track(events.of(workers).connected(claimedOf(claims)));
    return attaching.map(({ workerid }) => claims.get(workerid) as Claim);
  }
  const attachOne = batched(attach);

  return {
    register: (names) => database.transaction((tx) => findOrCreateWorkers(tx, names)),
    attach: (workerid, info, maxBuilds) => attachOne({ workerid, info, maxBuilds }),
    saveTerms: (terms, rules = []) =>
      database.transaction(async (tx) => {
        await saveWorkerTerms(tx, terms);
        await saveWorkerRules(tx, rules);
      }),
    async detach(workerid, departure = { reason: "connection_lost", detail: null }) {
      const outcomes = await database.transaction((tx) => detachWorker(tx, lease, workerid, departure));
      await publishOutcomes(outcomes);
    },
    async reportMissing() {
      await publishOutcomes(await database.transaction((tx) => reportMissingWorkers(tx)));
    },
    contested: () => contestedWorkers(database, lease),
    async keep(workerid) {
      await keepWorker(database, lease, workerid);
    },
    engineLoads: () => readEngineLoads(database, lease.masterid),
    states: (workerids) => workerStates(database, workerids),
    async setPaused(workerid, paused, reason, asker) {
      const by = asker?.name ?? null;
      const isWritten = await database.transaction(async (tx) => {
        const { result } = await transition(tx, (t) =>
          paused ? pauseWorker(t, { workerid, reason, by }) : resumeWorker(t, workerid, by),
        );
        if (result) await asker?.trail(tx);
        return result;
      });
      if (isWritten) await track(events.of(workers).state_updated([workerid]));
    },
    async setNote(workerid, note, asker) {
      const write = (tx: Connection) => setWorkerNote(tx, workerid, note, asker?.name ?? null);
      if (!(await written(write, asker?.trail))) return;
      await track(events.of(workers).state_updated([workerid]));
    },
    async setGraceful(workerid, graceful, trail) {
      if (!(await written((tx) => setWorkerGraceful(tx, workerid, graceful), trail))) return;
      await track(events.of(workers).state_updated([workerid]));
    },
  };
}
