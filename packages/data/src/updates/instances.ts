import { createHash, randomBytes } from "node:crypto";
import { type Claim, claim, fencedTransaction } from "@multimaster/cluster";
import {
  askToDestroy,
  type Connection,
  commandsOfInstance,
  deleteCommands,
  deleteInstance,
  findOrCreateWorkers,
  type InstanceRow,
  type InstanceState,
  insertInstance,
  type LatentRow,
  type LockLoad,
  locksOfCommands,
  moveInstanceClaim,
  readClusterId,
  readInstanceLog,
  readInstances,
  readLatentSlots,
  readLatents,
  readLockLoads,
  saveInstance,
  saveInstanceWords,
  saveLatentWorkers,
  saveStartOutcome,
  workerStates,
} from "@multimaster/database";
import { claimTables } from "@multimaster/lifecycle";
import { countStarts, viewInstanceFrom } from "@multimaster/placement";
import type { Trail } from "../model/actor.ts";
import { locks } from "../resources/locks.ts";
import type { UpdateContext } from "./update-context.ts";
import { writeWithTrail } from "./write-with-trail.ts";

export type { InstanceRow, LatentRow };

/** A latent worker as an engine has it in its config. */
export interface LatentConfiguration {
  readonly name: string;
  readonly kind: string;
  readonly minInstances: number;
  readonly maxInstances: number;
  /** The names that its instances have as workers, as many as there may be instances. */
  readonly workers: readonly string[];
}

/** What is asked of a latent worker. */
export interface StartDemand {
  readonly latent: string;
  readonly kind: string;
  readonly minInstances: number;
  readonly maxInstances: number;
  readonly parallelStarts: number;
  readonly slots: number;
  /** The workers whose names instances may have. */
  readonly workerids: readonly number[];
  /** Where instances can be made, and how many in each; empty: in one place, without a limit of its own. */
  readonly places: readonly { readonly name: string; readonly maxInstances: number }[];
  /** Only masters of this host reach them. */
  readonly host: string | null;
  /** Where they connect. */
  readonly masterUrl: string;
  /** The build requests that no attached worker takes. */
  readonly requests: readonly number[];
  /** Each instance is made for one of them. */
  readonly isBound: boolean;
}

/** An instance that is to be started now. Only its engine ever knows the secret. */
export interface ReservedInstance {
  readonly instanceid: number;
  readonly workerid: number;
  readonly place: string | null;
  readonly buildrequestid: number | null;
  readonly secret: string;
}

export interface InstanceUpdates {
  /** Writes the latent workers of the config; returns what distinguishes this cluster at providers. */
  register(latents: readonly LatentConfiguration[]): Promise<string>;
  /** All instances and latent workers, of whichever engine. */
  read(): Promise<{ instances: InstanceRow[]; latents: LatentRow[] }>;
  /**
   * Reserves the instances that are to be started for a demand, never more than the limit of the latent worker allows,
   * however many engines ask at the same time (fenced).
   */
  reserve(demand: StartDemand): Promise<ReservedInstance[]>;
  /** Writes what is known of an instance that this master looks after (fenced); false: it does not. */
  /** Keeps what one that takes long to attach has written last. */
  noteWords(instanceid: number, words: string): Promise<void>;
  save(instanceid: number, change: { providerId?: string; log?: string; state?: InstanceState }): Promise<boolean>;
  /** The start of an instance failed, and nothing of it is left; the next start waits (fenced). */
  failed(instanceid: number, latent: string, failure: string, retryInSeconds: number): Promise<void>;
  /** The instance is known to be gone (fenced). */
  forget(instanceid: number): Promise<void>;
  /** Takes an instance that no master looks after (fenced). */
  claim(instanceid: number): Promise<Claim>;
  /** The instance is attached here: from now on this master looks after it (fenced). */
  attached(instanceid: number, latent: string): Promise<boolean>;
  /** The engine that looks after the instance ends it now, whatever it builds; false: there is none. */
  destroy(instanceid: number, trail: Trail): Promise<boolean>;
  /** Who has these locks of the cluster at this moment. */
  lockLoads(names: readonly string[]): Promise<LockLoad[]>;
  /** The start-up log of the instance that is this worker. */
  startLog(workerid: number): Promise<string | null>;
}

/** How the secret of an instance is stored: it is long and random, so that a plain hash tells nothing about it. */
export const hashInstanceSecret = (secret: string): string => createHash("sha256").update(secret).digest("hex");

export function createInstanceUpdates({ database, lease, events, track }: UpdateContext): InstanceUpdates {
  const { masterid } = lease;
  const fenced = <T>(write: (tx: Connection) => Promise<T>) => fencedTransaction(database, lease, write);
  return {
    register: (latents) =>
      database.transaction(async (tx) => {
        const ids = await findOrCreateWorkers(tx, [...new Set(latents.flatMap(({ workers }) => workers))]);
        const rows = latents.map(({ workers, ...latent }) => ({
          ...latent,
          workerids: workers.map((name) => ids.get(name) as number),
        }));
        await saveLatentWorkers(tx, rows);
        return readClusterId(tx);
      }),
    async read() {
      const [instances, latents] = await Promise.all([readInstances(database), readLatents(database)]);
      return { instances, latents };
    },
    reserve: (demand) =>
      fenced(async (tx) => {
        // One engine after the other: each counts what the one before has reserved.
        await tx.dialect.lockName(tx, "worker instances");
        const instances = (await readInstances(tx)).filter(({ latent }) => latent === demand.latent);
        const known = (await readLatents(tx)).find(({ name }) => name === demand.latent);
        const free = await findFreeSlots(tx, demand, instances);
        const served = new Set(instances.map(({ buildrequestid }) => buildrequestid));
        const requests = demand.requests.filter((id) => !demand.isBound || !served.has(id));
        const views = instances.map((row) => viewInstanceFrom(masterid, row));
        const unbound = demand.isBound ? views.filter(({ state }) => state === "starting").length : 0;
        const view = { ...demand, name: demand.latent, failure: known?.failure ?? null, retryIn: known?.retryIn ?? 0 };
        const starts = countStarts({ ...view, instances: views }, requests.length + unbound * demand.slots);
        const reserved: ReservedInstance[] = [];
        for (const workerid of free.slice(0, demand.isBound ? Math.min(starts, requests.length) : starts)) {
          const place = choosePlace(demand, instances, reserved);
          if (place === undefined) break;
          const secret = randomBytes(24).toString("base64url");
          const buildrequestid = demand.isBound ? (requests[reserved.length] as number) : null;
          const { latent, kind, host, masterUrl } = demand;
          const secretHash = hashInstanceSecret(secret);
          const row = { workerid, latent, kind, place, host, masterUrl, secretHash, buildrequestid };
          reserved.push({
            instanceid: await insertInstance(tx, masterid, row),
            workerid,
            place,
            buildrequestid,
            secret,
          });
        }
        return reserved;
      }),
    noteWords: (instanceid, words) => fenced((tx) => saveInstanceWords(tx, instanceid, words)),
    save: (instanceid, change) => fenced((tx) => saveInstance(tx, masterid, instanceid, change)),
    failed: (instanceid, latent, failure, retryInSeconds) =>
      fenced(async (tx) => {
        await deleteInstance(tx, masterid, instanceid);
        await saveStartOutcome(tx, latent, { failure, retryInSeconds });
      }),
    async forget(instanceid) {
      const lockids = await fenced(async (tx) => {
        // Nothing of it runs any more: the locks of its builds are free.
        const commandIds = await commandsOfInstance(tx, instanceid);
        const held = commandIds.length > 0 ? await locksOfCommands(tx, commandIds) : [];
        if (!(await deleteInstance(tx, masterid, instanceid))) return [];
        if (commandIds.length > 0) await deleteCommands(tx, commandIds);
        return held;
      });
      if (lockids.length > 0) await track(events.of(locks).released(lockids));
    },
    claim: (instanceid) => claim(database, lease, claimTables.instance, instanceid),
    attached: (instanceid, latent) =>
      fenced(async (tx) => {
        if (!(await moveInstanceClaim(tx, masterid, instanceid))) return false;
        await saveInstance(tx, masterid, instanceid, { state: "running" });
        await saveStartOutcome(tx, latent, null);
        return true;
      }),
    destroy: (instanceid, trail) => writeWithTrail(database, (tx) => askToDestroy(tx, instanceid), trail),
    lockLoads: (names) => readLockLoads(database, names),
    startLog: (workerid) => readInstanceLog(database, workerid),
  };
}

/** Slots without an instance whose worker a user has not paused. */
async function findFreeSlots(
  tx: Connection,
  { workerids, latent }: StartDemand,
  instances: readonly InstanceRow[],
): Promise<number[]> {
  const used = new Set(instances.map(({ workerid }) => workerid));
  const slots = (await readLatentSlots(tx, workerids)).filter((slot) => slot.latent === latent);
  const free = slots.map(({ workerid }) => workerid).filter((id) => !used.has(id));
  return (await workerStates(tx, free)).filter(({ paused }) => !paused).map(({ workerid }) => workerid);
}

/** The place with the fewest instances, for its size; null: there is only one; undefined: all are full. */
function choosePlace(
  { places }: StartDemand,
  instances: readonly InstanceRow[],
  reserved: readonly ReservedInstance[],
): string | null | undefined {
  if (places.length === 0) return null;
  const loads = places.map(({ name, maxInstances }) => {
    const here = [...instances, ...reserved].filter(({ place }) => place === name).length;
    return { name, isFull: here >= maxInstances, load: here / maxInstances };
  });
  return loads.filter(({ isFull }) => !isFull).sort((a, b) => a.load - b.load)[0]?.name;
}
