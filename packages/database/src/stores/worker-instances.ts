import { randomUUID } from "node:crypto";
import type { Connection } from "../connection.ts";
import { execute, insertIgnore, queryRows, upsert } from "../dialect.ts";
import { longest, truncateText } from "./column-text.ts";
import { insertRows } from "./insert-rows.ts";

/** Starting: it has never been attached. Running: it has. Stopping: it is being ended. */
export type InstanceState = "starting" | "running" | "stopping";

/** An instance of a latent worker, as its row has it. */
export interface InstanceRow {
  readonly instanceid: number;
  readonly workerid: number;
  /** The name of the worker that it is. */
  readonly worker: string;
  readonly latent: string;
  readonly kind: string;
  readonly state: InstanceState;
  readonly place: string | null;
  readonly host: string | null;
  /** Where it connects. */
  readonly masterUrl: string;
  readonly providerId: string | null;
  readonly secretHash: string;
  /** The only build request that it builds; null: any. */
  readonly buildrequestid: number | null;
  /** 1: that request is open, or it builds any. */
  readonly wanted: number;
  /** 1: a user wants it to be gone now. */
  readonly destroyed: number;
  /** Seconds since its row was made. */
  readonly age: number;
  /** Seconds since it first attached; null: it never has. */
  readonly attachedFor: number | null;
  /** The master that looks after it. */
  readonly holder: number | null;
  /** The master that it is attached to. */
  readonly attachedTo: number | null;
  /** Builds that it has begun. */
  readonly builds: number;
  /** What it has written last, before it first attached. */
  readonly words: string | null;
}

/** A latent worker of the config, with what its last starts came to. */
export interface LatentRow {
  readonly name: string;
  readonly kind: string;
  readonly minInstances: number;
  readonly maxInstances: number;
  readonly failures: number;
  readonly failure: string | null;
  /** Seconds until the next start may be tried; 0 or less: now. */
  readonly retryIn: number;
}

/** A name of a worker that an instance may have. */
export interface LatentSlot {
  readonly workerid: number;
  readonly worker: string;
  readonly latent: string;
}

/** What distinguishes this cluster from all others; made when it is first asked for. */
export async function readClusterId(tx: Connection): Promise<string> {
  await insertIgnore(tx, {
    table: "mm_cluster_identity",
    rows: [{ singleton: 1, clusterid: randomUUID() }],
    conflict: ["singleton"],
  });
  const [row] = await queryRows<{ clusterid: string }>(tx, "select clusterid from mm_cluster_identity");
  return (row as { clusterid: string }).clusterid;
}

/** Writes the latent workers of a config and their slots. What is known of their starts stays. */
export async function saveLatentWorkers(
  tx: Connection,
  latents: readonly (Pick<LatentRow, "name" | "kind" | "minInstances" | "maxInstances"> & {
    readonly workerids: readonly number[];
  })[],
): Promise<void> {
  await upsert(tx, {
    table: "mm_latent_workers",
    rows: latents.map(({ name, kind, minInstances, maxInstances }) => ({
      name,
      kind,
      min_instances: minInstances,
      max_instances: maxInstances,
    })),
    key: ["name"],
  });
  const slots = latents.flatMap(({ name, workerids }) => workerids.map((workerid) => ({ workerid, latent: name })));
  await upsert(tx, { table: "mm_latent_slots", rows: slots, key: ["workerid"] });
}

export async function readLatents(connection: Connection): Promise<LatentRow[]> {
  const { now } = connection.dialect;
  const rows = await queryRows<LatentRow>(
    connection,
    `select name, kind, min_instances as "minInstances", max_instances as "maxInstances", failures, failure,
            case when retry_at is null then 0 else retry_at - ${now} end as "retryIn"
       from mm_latent_workers order by name`,
  );
  return rows.map((row) => ({ ...row, retryIn: Number(row.retryIn) }));
}

export function readLatentSlots(connection: Connection, workerids: readonly number[]): Promise<LatentSlot[]> {
  const wanted = connection.dialect.isOneOf("s.workerid", workerids);
  return queryRows<LatentSlot>(
    connection,
    `select s.workerid, w.name as worker, s.latent from mm_latent_slots s join workers w on w.id = s.workerid
      where ${wanted.sql} order by s.workerid`,
    wanted.bindings,
  );
}

/** Every instance there is, the oldest first. */
export async function readInstances(connection: Connection): Promise<InstanceRow[]> {
  const rows = await queryRows<InstanceRow>(
    connection,
    `select i.instanceid, i.workerid, w.name as worker, i.latent, i.kind, i.state, i.place, i.host,
            i.master_url as "masterUrl", i.provider_id as "providerId", i.secret_hash as "secretHash", i.buildrequestid,
            case when i.buildrequestid is null
                   or exists (select 1 from buildrequests r where r.id = i.buildrequestid and r.complete = 0)
                 then 1 else 0 end as wanted,
            case when exists (select 1 from mm_instance_destroys d where d.instanceid = i.instanceid) then 1 else 0 end as destroyed,
            (select m.words from mm_instance_words m where m.instanceid = i.instanceid) as words,
            ${connection.dialect.now} - i.made_at as age,
            case when i.attached_at is null then null else ${connection.dialect.now} - i.attached_at end as "attachedFor", c.masterid as holder, a.masterid as "attachedTo",
            (select count(*) from builds b where b.workerid = i.workerid and b.id > i.after_buildid) as builds
       from mm_worker_instances i join workers w on w.id = i.workerid
       left join mm_instance_claims c on c.instanceid = i.instanceid
       left join mm_worker_attachments a on a.workerid = i.workerid
      order by i.instanceid`,
  );
  return rows.map((row) => ({
    ...row,
    age: Number(row.age),
    attachedFor: row.attachedFor === null ? null : Number(row.attachedFor),
    builds: Number(row.builds),
  }));
}

export interface NewInstance {
  readonly workerid: number;
  readonly latent: string;
  readonly kind: string;
  readonly place: string | null;
  readonly host: string | null;
  readonly masterUrl: string;
  readonly secretHash: string;
  readonly buildrequestid: number | null;
}

/** A number that no instance ever had; undefined: the database never gives one twice by itself. */
async function takeNumber(tx: Connection): Promise<number | undefined> {
  if (tx.dialect.name === "postgresql") return undefined;
  // A master of the release before counts by the rows alone.
  const highest = "(select coalesce(max(instanceid), 0) from mm_worker_instances)";
  const [row] = await queryRows<{ last: number }>(
    tx,
    `insert into mm_instance_numbers (singleton, last) values (1, ${highest} + 1)
     on conflict (singleton) do update set last = max(mm_instance_numbers.last, ${highest}) + 1 returning last`,
  );
  return (row as { last: number }).last;
}

/** Adds an instance that is going to be started, claimed by this master. */
export async function insertInstance(tx: Connection, masterid: number, instance: NewInstance): Promise<number> {
  const { workerid, latent, kind, place, host, masterUrl, secretHash, buildrequestid } = instance;
  const number = await takeNumber(tx);
  const [column, value] = number === undefined ? ["", ""] : ["instanceid, ", "?, "];
  const [row] = await queryRows<{ instanceid: number }>(
    tx,
    `insert into mm_worker_instances
       (${column}workerid, latent, kind, state, place, host, master_url, secret_hash, buildrequestid, made_at, after_buildid)
     values (${value}?, ?, ?, 'starting', ?, ?, ?, ?, ?, ${tx.dialect.now},
             (select coalesce(max(b.id), 0) from builds b where b.workerid = ?)) returning instanceid`,
    [
      ...(number === undefined ? [] : [number]),
      ...[workerid, latent, kind, place, host, masterUrl, secretHash, buildrequestid, workerid],
    ],
  );
  const { instanceid } = row as { instanceid: number };
  await insertRows(tx, "mm_instance_claims", [{ instanceid, masterid }]);
  return instanceid;
}

const isHeld = "exists (select 1 from mm_instance_claims c where c.instanceid = ? and c.masterid = ?)";

/** The longest start-up log that is kept. */
const longestLog = 65_536;

/** Writes what is known of an instance that this master looks after; false when it does not. */
export async function saveInstance(
  tx: Connection,
  masterid: number,
  instanceid: number,
  change: { readonly providerId?: string; readonly log?: string; readonly state?: InstanceState },
): Promise<boolean> {
  const { providerId, log, state } = change;
  const sets = [
    ...(providerId === undefined ? [] : [["provider_id = ?", providerId] as const]),
    ...(log === undefined ? [] : [["log = ?", log.slice(0, longestLog)] as const]),
    ...(state === undefined ? [] : [["state = ?", state] as const]),
  ];
  const attached = state === "running" ? `, attached_at = coalesce(attached_at, ${tx.dialect.now})` : "";
  const changed = await execute(
    tx,
    `update mm_worker_instances set ${sets.map(([sql]) => sql).join(", ")}${attached} where instanceid = ? and ${isHeld}`,
    [...sets.map(([, value]) => value), instanceid, instanceid, masterid],
  );
  return changed === 1;
}

/** Keeps what an instance that has not attached yet has written last; it says why a start takes long. */
export async function saveInstanceWords(tx: Connection, instanceid: number, words: string): Promise<void> {
  await upsert(tx, {
    table: "mm_instance_words",
    rows: [{ instanceid, words: truncateText(words, longest.sentence) }],
    key: ["instanceid"],
  });
}

/** The start-up log of the instance that has this worker's name now. */
export async function readInstanceLog(connection: Connection, workerid: number): Promise<string | null> {
  const sql = "select log from mm_worker_instances where workerid = ?";
  return (await queryRows<{ log: string | null }>(connection, sql, [workerid]))[0]?.log ?? null;
}

/** Deletes the row of an instance that is known to be gone; false when this master does not look after it. */
export async function deleteInstance(tx: Connection, masterid: number, instanceid: number): Promise<boolean> {
  const sql = "delete from mm_instance_claims where instanceid = ? and masterid = ?";
  if ((await execute(tx, sql, [instanceid, masterid])) === 0) return false;
  await execute(tx, "delete from mm_worker_instances where instanceid = ?", [instanceid]);
  for (const table of ["mm_instance_destroys", "mm_instance_words"])
    await execute(tx, `delete from ${table} where instanceid = ?`, [instanceid]);
  return true;
}

/** Writes that an instance is to be gone now; false when there is none of this number. */
export async function askToDestroy(tx: Connection, instanceid: number): Promise<boolean> {
  const known = await queryRows(tx, "select 1 from mm_worker_instances where instanceid = ?", [instanceid]);
  if (known.length === 0) return false;
  await execute(
    tx,
    `insert into mm_instance_destroys (instanceid, asked_at) values (?, ${tx.dialect.now}) on conflict (instanceid) do nothing`,
    [instanceid],
  );
  return true;
}

/** Makes this master responsible for an instance that is attached to it; another master may have been before. */
export async function moveInstanceClaim(tx: Connection, masterid: number, instanceid: number): Promise<boolean> {
  const attached = await queryRows(
    tx,
    `select i.instanceid from mm_worker_instances i join mm_worker_attachments a on a.workerid = i.workerid
      where i.instanceid = ? and a.masterid = ?`,
    [instanceid, masterid],
  );
  if (attached.length === 0) return false;
  await upsert(tx, { table: "mm_instance_claims", rows: [{ instanceid, masterid }], key: ["instanceid"] });
  return true;
}

/** Notes what a start of a latent worker came to: a failure delays the next one; null: it worked. */
export async function saveStartOutcome(
  tx: Connection,
  latent: string,
  failed: { readonly failure: string; readonly retryInSeconds: number } | null,
): Promise<void> {
  if (failed === null) {
    await execute(
      tx,
      "update mm_latent_workers set failures = 0, failure = null, retry_at = null where name = ? and failures > 0",
      [latent],
    );
    return;
  }
  await execute(
    tx,
    `update mm_latent_workers set failures = failures + 1, failure = ?, retry_at = ${tx.dialect.now} + ? where name = ?`,
    [truncateText(failed.failure, longest.sentence), failed.retryInSeconds, latent],
  );
}
