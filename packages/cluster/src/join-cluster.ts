import { setTimeout as sleep } from "node:timers/promises";
import { errors } from "@multimaster/core";
import {
  type Connection,
  type Database,
  type DataVersions,
  hashColumns,
  isLeaseOpen,
  queryRows,
  readDataVersion,
  refuseDataVersion,
} from "@multimaster/database";
import { buildbotExpirySeconds, type Eviction, evictMaster, type ReleaseEverything } from "./eviction.ts";
import type { Lease } from "./lease.ts";

export interface JoinOptions {
  /** A name the user chose; refused when a live master has it. */
  name?: string;
  /** Otherwise this one, or with `-2`, `-3`, … when live masters have it. */
  defaultBase: string;
  roles: readonly string[];
  builderSets: readonly string[];
  release: string;
  dataVersions: DataVersions;
  leaseMs: number;
  host: string;
  pid: number;
  /** What else is written in the transaction in which it joins; one master joins at a time. */
  note?: ((tx: Connection, master: { readonly masterid: number; readonly name: string }) => Promise<void>) | undefined;
}

/** A master that has joined. */
export interface Membership<Outcomes> {
  readonly lease: Lease;
  /** Masters that had to be evicted first, such as the former incarnation of this one; to be published. */
  readonly evictions: readonly Eviction<Outcomes>[];
}

interface Holder {
  masterid: number;
  active: number;
  fresh: number;
  epoch: number | null;
  open: number;
  expired: number;
  renewed_at: number | null;
  host: string | null;
  pid: number | null;
  roles: string | null;
}

type Attempt<Outcomes> = { membership: Membership<Outcomes> } | { taken: Holder };

/**
 * Makes this process a master of the cluster: finds its name, begins a new epoch, takes a lease. The lease must be
 * renewed from now on (`createHeartbeat`). Throws a sentence when this release cannot read what the cluster writes.
 */
export async function joinCluster<Outcomes>(
  database: Database,
  options: JoinOptions,
  release: ReleaseEverything<Outcomes>,
): Promise<Membership<Outcomes>> {
  let first: Holder | undefined;
  for (;;) {
    const attempt = await database.transaction((tx) => tryToJoin(tx, database.exclusive, options, release));
    if ("membership" in attempt) return attempt.membership;
    const holder = attempt.taken;
    first ??= holder;
    // A lease that is not renewed belongs to a dead process, most likely our own before a restart: its end is awaited.
    const isAlive = holder.open === 0 || holder.renewed_at !== first.renewed_at || holder.epoch !== first.epoch;
    if (isAlive) throw errors.masterNameTaken(options.name ?? options.defaultBase, describeHolder(holder));
    await sleep(Math.min(500, options.leaseMs / 5));
  }
}

async function tryToJoin<Outcomes>(
  tx: Connection,
  exclusive: boolean,
  options: JoinOptions,
  release: ReleaseEverything<Outcomes>,
): Promise<Attempt<Outcomes>> {
  await tx.dialect.lockName(tx, "join");
  const evictions = exclusive ? await evictAll(tx, release) : [];
  refuseDataVersion(await readDataVersion(tx), options.dataVersions);
  const explicit = options.name !== undefined;
  for (let n = 1; ; n++) {
    const name = options.name ?? (n === 1 ? options.defaultBase : `${options.defaultBase}-${n}`);
    const holder = await findHolder(tx, name);
    if (holder && isLive(holder)) {
      if (explicit) return { taken: holder };
      continue;
    }
    if (holder && (holder.open === 1 || holder.active === 1))
      evictions.push(await evictPredecessor(tx, { masterid: holder.masterid, name }, release));
    const masterid = holder?.masterid ?? (await insertMaster(tx, name));
    const epoch = (holder?.epoch ?? 0) + 1;
    await takeLease(tx, masterid, epoch, options);
    await options.note?.(tx, { masterid, name });
    return { membership: { lease: { masterid, name, epoch, leaseMs: options.leaseMs }, evictions } };
  }
}

/** A lease that has not expired, or a Buildbot master of that name that beats. */
function isLive(holder: Holder): boolean {
  return holder.open === 1 ? holder.expired === 0 : holder.active === 1 && holder.fresh === 1;
}

async function findHolder(tx: Connection, name: string): Promise<Holder | undefined> {
  const { now, nowSeconds } = tx.dialect;
  const rows = await queryRows<Holder>(
    tx,
    `select m.id as masterid, m.active, l.epoch, l.renewed_at, l.host, l.pid, l.roles,
       case when m.last_active >= ${nowSeconds} - ${buildbotExpirySeconds} then 1 else 0 end as fresh,
       case when l.masterid is not null and ${isLeaseOpen("l")} then 1 else 0 end as open,
       case when l.expires_at <= ${now} then 1 else 0 end as expired
     from masters m left join mm_leases l on l.masterid = m.id where m.name_hash = ?`,
    [hashColumns(name)],
  );
  return rows[0];
}

/** The only master of a SQLite file finds no living one: one that seems alive ended without its lease. */
async function evictAll<Outcomes>(tx: Connection, release: ReleaseEverything<Outcomes>): Promise<Eviction<Outcomes>[]> {
  const open = await queryRows<{ masterid: number; name: string }>(
    tx,
    `select l.masterid, m.name from mm_leases l join masters m on m.id = l.masterid
     where ${isLeaseOpen("l")} order by l.masterid`,
  );
  const evictions: Eviction<Outcomes>[] = [];
  for (const master of open) evictions.push(await evictMaster(tx, master, release));
  return evictions;
}

async function evictPredecessor<Outcomes>(
  tx: Connection,
  master: { masterid: number; name: string },
  release: ReleaseEverything<Outcomes>,
): Promise<Eviction<Outcomes>> {
  // Waits for transactions of the former incarnation that are still open; the server ends those that stay silent.
  await queryRows(tx, `select masterid from mm_leases where masterid = ?${tx.dialect.updateLock}`, [master.masterid]);
  return evictMaster(tx, master, release);
}

async function insertMaster(tx: Connection, name: string): Promise<number> {
  const rows = await queryRows<{ id: number }>(
    tx,
    `insert into masters (name, name_hash, active, last_active) values (?, ?, 0, ${tx.dialect.nowSeconds}) returning id`,
    [name, hashColumns(name)],
  );
  return (rows[0] as { id: number }).id;
}

async function takeLease(tx: Connection, masterid: number, epoch: number, options: JoinOptions): Promise<void> {
  const { now, nowSeconds } = tx.dialect;
  await queryRows(tx, `update masters set active = 1, last_active = ${nowSeconds} where id = ?`, [masterid]);
  await queryRows(tx, "delete from mm_leases where masterid = ?", [masterid]);
  const facts = {
    masterid,
    epoch,
    roles: JSON.stringify(options.roles),
    builder_sets: JSON.stringify(options.builderSets),
    state: "starting",
    host: options.host,
    pid: options.pid,
    release: options.release,
    data_version: options.dataVersions.newest,
    lease_s: options.leaseMs / 1000,
  };
  const columns = Object.keys(facts);
  await queryRows(
    tx,
    `insert into mm_leases (${columns.join(", ")}, joined_at, renewed_at, steady_since, expires_at)
     values (${columns.map(() => "?").join(", ")}, ${now}, ${now}, ${now}, ${now} + ?)`,
    [...Object.values(facts), facts.lease_s],
  );
}

function describeHolder(holder: Holder): string {
  if (holder.open === 0) return "a Buildbot master";
  const roles = (JSON.parse(holder.roles ?? "[]") as string[]).join(", ");
  return `host ${holder.host}, pid ${holder.pid}, roles ${roles}`;
}
