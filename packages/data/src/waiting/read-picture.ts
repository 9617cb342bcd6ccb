import { listMasters } from "@multimaster/cluster";
import { closedUntilOf, type WeeklyHours, weeklyHours } from "@multimaster/core";
import {
  type Connection,
  isLeaseOpen,
  quarantineColumnsOf,
  queryRows,
  readLatentSlots,
  readWorkerRules,
  silenceOf,
} from "@multimaster/database";
import { groupValues } from "../read/group-values.ts";
import { LockQueues } from "./lock-queues.ts";
import { type BuilderPlacement, readBuilderPlacements } from "./read-builder-placements.ts";
import { type LatentSeen, readLatentsSeen } from "./read-latents.ts";
import { StartRefusals } from "./start-refusals.ts";

/** A master, as far as it matters to a builder it has. */
export interface Engine {
  readonly masterid: number;
  readonly name: string;
  readonly alive: boolean;
  /** Takes no new builds: it drains, or drops its role as an engine. */
  readonly draining: boolean;
  /** For how many seconds it has not renewed its lease, if it should have; null or absent: it renews it. */
  readonly silence?: number | null;
  /** In how many seconds that lease ends. */
  readonly leaseRemaining?: number;
}

export interface WorkerSeen {
  readonly workerid: number;
  readonly name: string;
  readonly paused: boolean;
  readonly pauseReason: string | null;
  readonly graceful: boolean;
  /** Then it is paused as well. */
  readonly quarantined: boolean;
  readonly onProbation: boolean;
  /** Since when it is quarantined, in seconds since 1970, and why. */
  readonly quarantinedAt: number | null;
  readonly quarantineReason: string | null;
  /** When its account was revoked, in seconds since 1970; absent: it has a valid one, or is in the config. */
  readonly revokedAt?: number | undefined;
  /** Masters that it is connected to; usually one. */
  readonly masterids: readonly number[];
  /** Null: unknown. */
  readonly maxBuilds: number | null;
  /** Maximum sum of the weights of its builds; null: any. */
  readonly capacity?: number | null;
  /** When its hours begin again, in seconds since 1970; null: builds may begin on it. */
  readonly closedUntil?: number | null;
  /** The latent worker of which it is an instance, or would be. */
  readonly latent?: string | undefined;
  /** The only build request that it builds, of an instance that was made for one. */
  readonly onlyRequest?: number | undefined;
}

export interface RunningBuild {
  readonly buildid: number;
  readonly number: number;
  readonly builderid: number;
  readonly builder: string;
  readonly masterid: number;
  readonly workerid: number | null;
  readonly directory: string | null;
  readonly weight?: number;
}

/** What decides whether builders can build now, over all masters, as the rows have it. */
export interface Picture {
  readonly engines: ReadonlyMap<number, Engine>;
  readonly placements: ReadonlyMap<number, readonly BuilderPlacement[]>;
  readonly workers: ReadonlyMap<number, WorkerSeen>;
  readonly buildsOfBuilder: ReadonlyMap<number, readonly RunningBuild[]>;
  readonly buildsOnWorker: ReadonlyMap<number, readonly RunningBuild[]>;
  /** By name. */
  readonly latents: ReadonlyMap<string, LatentSeen>;
  readonly locks: LockQueues;
  readonly refusals: StartRefusals;
}

/** Reads it for some builders. What it costs grows with their workers and with the builds that run, not with what waits. */
export async function readPicture(connection: Connection, builderids: readonly number[]): Promise<Picture> {
  const [engines, placements, locks] = await Promise.all([
    readEngines(connection),
    readBuilderPlacements(connection, builderids),
    LockQueues.read(connection),
  ]);
  const lists = new Set(placements.map(({ workerids }) => workerids));
  const workerids = [...new Set([...lists].flat())];
  const [workers, builds, refusals] = await Promise.all([
    readWorkers(connection, workerids),
    readBuilds(connection),
    StartRefusals.read(connection, builderids, workerids),
  ]);
  const isLatent = [...workers.values()].some(({ latent }) => latent !== undefined);
  return {
    locks,
    refusals,
    latents: isLatent ? await readLatentsSeen(connection) : new Map(),
    engines,
    placements: groupValues(placements.map((placement) => [placement.builderid, placement])),
    workers,
    buildsOfBuilder: groupValues(builds.map((build) => [build.builderid, build])),
    buildsOnWorker: groupValues(builds.flatMap((build) => (build.workerid === null ? [] : [[build.workerid, build]]))),
  };
}

async function readEngines(connection: Connection): Promise<Map<number, Engine>> {
  const masters = await listMasters(connection);
  const rows = await queryRows<{ masterid: number; ordered: number; silence: number | null }>(
    connection,
    `select l.masterid, ${silenceOf("l", connection.dialect.now)} as silence,
            case when exists (select 1 from mm_orders o where o.masterid = l.masterid and l.epoch = o.epoch
              and o.kind = 'drain' and o.ended_at is null and o.undone_at is null
              and (o.role is null or o.role = 'builder-engine')) then 1 else 0 end as ordered
       from mm_leases l where ${isLeaseOpen("l")}`,
  );
  const leases = new Map(rows.map((row) => [row.masterid, row]));
  return new Map(
    masters.map(({ masterid, name, alive, state, leaseRemaining }) => [
      masterid,
      {
        masterid,
        name,
        alive,
        draining: state === "draining" || leases.get(masterid)?.ordered === 1,
        silence: leases.get(masterid)?.silence ?? null,
        leaseRemaining,
      },
    ]),
  );
}

async function readWorkers(connection: Connection, workerids: readonly number[]): Promise<Map<number, WorkerSeen>> {
  const wanted = connection.dialect.isOneOf("w.id", workerids);
  const connected = connection.dialect.isOneOf("workerid", workerids);
  const [rows, slots, rules, connections, revocations] = await Promise.all([
    queryRows<{
      workerid: number;
      name: string;
      paused: number;
      reason: string | null;
      graceful: number;
      maxbuilds: number | null;
      quarantined: number;
      onProbation: number;
      quarantinedAt: number | null;
      quarantineReason: string | null;
      onlyrequest: number | null;
      ending: number;
    }>(
      connection,
      `select w.id as workerid, w.name, w.paused, w.pause_reason as reason, w.graceful, o.max_builds as maxbuilds,
              i.buildrequestid as onlyrequest, case when i.state = 'stopping' then 1 else 0 end as ending,
              l.quarantined_at as "quarantinedAt", l.quarantine_reason as "quarantineReason", ${quarantineColumnsOf(connection)}
         from workers w left join mm_worker_offers o on o.workerid = w.id
         left join mm_worker_instances i on i.workerid = w.id
         left join mm_worker_lives l on l.workerid = w.id where ${wanted.sql}`,
      wanted.bindings,
    ),
    readLatentSlots(connection, workerids),
    readWorkerRules(connection, workerids),
    queryRows<{ workerid: number; masterid: number }>(
      connection,
      `select workerid, masterid from connected_workers where ${connected.sql} order by masterid`,
      connected.bindings,
    ),
    queryRows<{ workerid: number; at: number }>(
      connection,
      `select w.id as workerid, max(a.revoked_at) as at from workers w join mm_worker_accounts a on a.name = w.name
         where ${wanted.sql} group by w.id having count(*) = count(a.revoked_at)`,
      wanted.bindings,
    ),
  ]);
  const revoked = new Map(revocations.map(({ workerid, at }) => [workerid, at]));
  const latents = new Map(slots.map(({ workerid, latent }) => [workerid, latent]));
  const now = Date.now();
  const ruled = new Map(rules.map(({ workerid, hours, ...rule }) => [workerid, { ...rule, hours: parseHours(hours) }]));
  const masterids = groupValues(connections.map(({ workerid, masterid }) => [workerid, masterid]));
  return new Map(
    rows.map((row) => [
      row.workerid,
      {
        workerid: row.workerid,
        name: row.name,
        paused: row.paused !== 0,
        pauseReason: row.reason,
        graceful: row.graceful !== 0 || row.ending === 1,
        latent: latents.get(row.workerid),
        onlyRequest: row.onlyrequest ?? undefined,
        quarantined: row.quarantined === 1,
        onProbation: row.onProbation === 1,
        quarantinedAt: row.quarantinedAt,
        quarantineReason: row.quarantineReason,
        revokedAt: revoked.get(row.workerid),
        masterids: masterids.get(row.workerid) ?? [],
        maxBuilds: row.maxbuilds,
        capacity: ruled.get(row.workerid)?.capacity ?? null,
        closedUntil: closedUntilOf(ruled.get(row.workerid)?.hours, now),
      },
    ]),
  );
}

/** Rows of a release that writes them otherwise say nothing. */
function parseHours(text: string | null): WeeklyHours | undefined {
  if (text === null) return undefined;
  try {
    return weeklyHours.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function readBuilds(connection: Connection): Promise<RunningBuild[]> {
  return queryRows<RunningBuild>(
    connection,
    `select b.id as buildid, b.number, b.builderid, bu.name as builder, b.masterid, b.workerid, o.directory,
            coalesce(ru.weight, 1) as weight
       from builds b join builders bu on bu.id = b.builderid
       left join mm_builder_offers o on o.builderid = b.builderid and o.masterid = b.masterid
       left join mm_builder_rules ru on ru.builderid = b.builderid and ru.masterid = b.masterid
      where b.complete_at is null order by b.id`,
  );
}
