import {
  type Claim,
  claim,
  claimedOf,
  type Eviction,
  evictDeadMasters,
  fencedTransaction,
  type JoinOptions,
  joinCluster,
  type Lease,
  leaveCluster,
  type Membership,
} from "@multimaster/cluster";
import { type Database, dataVersions, execute, insertIgnore, queryRows } from "@multimaster/database";
import * as lifecycle from "@multimaster/lifecycle";
import { table } from "./table.ts";

let pids = 1000;

/** Joins with what a test does not care about filled in. */
export function join(database: Database, options: Partial<JoinOptions> = {}): Promise<Membership<lifecycle.Outcomes>> {
  const filled = {
    defaultBase: "host-engine",
    roles: ["builder-engine"],
    builderSets: [],
    release: "test",
    dataVersions,
    leaseMs: 60_000,
    host: "host",
    pid: pids++,
    ...options,
  };
  return joinCluster(database, filled, lifecycle.releaseEverythingOf);
}

/** As if the master had not renewed for longer than its lease. */
export async function expire(database: Database, lease: Lease): Promise<void> {
  const now = database.dialect.now;
  await execute(
    database,
    `update mm_leases set renewed_at = ${now} - 1000, expires_at = ${now} - 1 where masterid = ?`,
    [lease.masterid],
  );
}

/** As if the master had been renewing for a long time, until now. */
export async function makeSteady(database: Database, lease: Lease): Promise<void> {
  const now = database.dialect.now;
  await execute(database, `update mm_leases set steady_since = ${now} - 1000, renewed_at = ${now} where masterid = ?`, [
    lease.masterid,
  ]);
}

/** Leaves as a master does that ends in an orderly way. */
export function leave(database: Database, lease: Lease): Promise<Eviction<lifecycle.Outcomes> | undefined> {
  return leaveCluster(database, lease, lifecycle.releaseEverythingOf);
}

/** Evicts whom this master finds dead. */
export function evictDead(database: Database, lease: Lease): Promise<Eviction<lifecycle.Outcomes>[]> {
  return evictDeadMasters(database, lease, lifecycle.releaseEverythingOf);
}

/** The ids of those of the requests that this master got. */
export async function claimRequests(database: Database, lease: Lease, ids: readonly number[]): Promise<number[]> {
  return claimedOf(await lifecycle.claimRequests(database, lease, ids));
}

/** The ids of those of the requests that this master had, and released. */
export async function releaseRequests(database: Database, lease: Lease, ids: readonly number[]): Promise<number[]> {
  const outcomes = await fencedTransaction(database, lease, (tx) => lifecycle.releaseRequests(tx, lease, ids));
  return outcomes.released.request;
}

/** Claims one thing that is no build request. */
export async function claimOne(
  database: Database,
  lease: Lease,
  kind: Exclude<lifecycle.Claimable, "request">,
  id: number,
): Promise<Claim> {
  if (kind !== "worker") return claim(database, lease, lifecycle.claimTables[kind], id);
  const { result } = await fencedTransaction(database, lease, (tx) => lifecycle.attachWorkers(tx, lease, [id]));
  return result.get(id) as Claim;
}

/** Whether this master had it, and released it. */
export async function releaseOne(
  database: Database,
  lease: Lease,
  kind: Exclude<lifecycle.Claimable, "request">,
  id: number,
): Promise<boolean> {
  const { released } = await database.transaction((tx) =>
    kind === "worker"
      ? lifecycle.detachWorker(tx, lease, id, { reason: "connection_lost", detail: null })
      : lifecycle.releaseClaim(tx, lease, kind, id),
  );
  return released[kind].includes(id);
}

/** A master that may evict others. */
export async function joinAsEvictor(database: Database, options: Partial<JoinOptions> = {}): Promise<Lease> {
  const { lease } = await join(database, { defaultBase: "evictor", ...options });
  await makeSteady(database, lease);
  return lease;
}

export interface LeaseRow {
  epoch: number;
  state: string;
  live: number;
  buried_at: number | null;
  ended_at: number | null;
  renewed_at: number;
}

export async function readLease(database: Database, masterid: number): Promise<LeaseRow> {
  const rows = await queryRows<LeaseRow>(
    database,
    `select epoch, state, buried_at, ended_at, renewed_at, case when expires_at > ${database.dialect.now} then 1 else 0 end as live
     from mm_leases where masterid = ?`,
    [masterid],
  );
  return rows[0] as LeaseRow;
}

/** Work to be claimed: one builder, one buildset per request. */
export async function addRequests(database: Database, count: number, builder = "runtests"): Promise<number[]> {
  return database.transaction(async (tx) => {
    await insertIgnore(tx, {
      table: "builders",
      rows: [{ name: builder, name_hash: builder }],
      conflict: ["name_hash"],
    });
    const row = await table(tx, "builders").where({ name_hash: builder }).first();
    const ids: number[] = [];
    for (let n = 0; n < count; n++) {
      const buildsetid = await table(tx, "buildsets").insertOne({ submitted_at: 1, complete: 0, results: -1 });
      const request = {
        buildsetid,
        builderid: row.id,
        priority: 0,
        complete: 0,
        results: -1,
        submitted_at: 1,
        waited_for: 0,
      };
      ids.push(await table(tx, "buildrequests").insertOne(request));
    }
    return ids;
  });
}

/** A running build of a claimed request, with a finished and a running step and an open log. */
export async function addRunningBuild(
  database: Database,
  lease: Lease,
  brid: number,
): Promise<{ buildid: number; stepid: number; logid: number }> {
  return database.transaction(async (tx) => {
    const request = await table(tx, "buildrequests").where({ id: brid }).first();
    const build = {
      number: brid,
      builderid: request.builderid,
      buildrequestid: brid,
      masterid: lease.masterid,
      started_at: 1,
      locks_duration_s: 0,
      state_string: "building",
    };
    const buildid = await table(tx, "builds").insertOne(build);
    const step = { buildid, started_at: 1, state_string: "running", urls_json: "[]", hidden: 0 };
    await table(tx, "steps").insert({ ...step, number: 0, name: "git", results: 0, complete_at: 2 });
    const stepid = await table(tx, "steps").insertOne({ ...step, number: 1, name: "shell" });
    const log = { stepid, name: "stdio", slug: "stdio", complete: 0, num_lines: 0, type: "s" };
    const logid = await table(tx, "logs").insertOne(log);
    return { buildid, stepid, logid };
  });
}
