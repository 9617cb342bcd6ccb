import { pythonJson } from "@multimaster/core";
import type { Connection } from "../connection.ts";
import { execute, insertIgnore, queryRows } from "../dialect.ts";
import { fitNullable, longest, truncateText } from "./column-text.ts";
import { quarantineColumnsOf } from "./worker-lives.ts";

/** Finds or creates workers; ids by name. */
export async function findOrCreateWorkers(tx: Connection, names: readonly string[]): Promise<Map<string, number>> {
  const stored = new Map(names.map((name) => [truncateText(name, 50), name]));
  const found = await findWorkers(tx, [...stored.keys()]);
  const missing = [...stored.keys()].filter((name) => !found.has(name)).sort();
  if (missing.length > 0) {
    const rows = missing.map((name) => ({ name, info: "{}", paused: 0, graceful: 0 }));
    await insertIgnore(tx, { table: "workers", rows, conflict: ["name"] });
    for (const [name, id] of await findWorkers(tx, missing)) found.set(name, id);
  }
  return new Map([...stored].map(([name, asked]) => [asked, found.get(name) as number]));
}

async function findWorkers(connection: Connection, names: readonly string[]): Promise<Map<string, number>> {
  const wanted = connection.dialect.isOneOf("name", names);
  const rows = await queryRows<{ id: number; name: string }>(
    connection,
    `select id, name from workers where ${wanted.sql}`,
    wanted.bindings,
  );
  return new Map(rows.map((row) => [row.name, row.id]));
}

export interface WorkerInfoRow {
  admin: string | null;
  host: string | null;
  access_uri: string | null;
  version: string | null;
}

/** In `graceful`: it is to end without waiting for its builds. Others, such as Buildbot, read it as graceful. */
const atOnce = 2;

/** What workers say of themselves when they attach, by id. */
export async function saveWorkerInfos(tx: Connection, infos: ReadonlyMap<number, WorkerInfoRow>): Promise<void> {
  const wanted = tx.dialect.isOneOf("id", [...infos.keys()]);
  const stored = await queryRows<{ id: number; info: string }>(
    tx,
    `select id, info from workers where ${wanted.sql}`,
    wanted.bindings,
  );
  // One that comes back says what it said before.
  for (const row of stored) {
    const { admin, host, access_uri, version } = infos.get(row.id) as WorkerInfoRow;
    const info = pythonJson({ admin, host, access_uri, version });
    if (info !== row.info) await execute(tx, "update workers set info = ? where id = ?", [info, row.id]);
  }
}

/** What an engine follows of a worker's rows. A quarantined worker is paused as well. */
export interface WorkerStateRow {
  workerid: number;
  name: string;
  paused: boolean;
  graceful: boolean;
  /** It ends without waiting for its builds. */
  atOnce: boolean;
  quarantined: boolean;
  /** Of a quarantined worker: one build is tried on it. */
  onProbation: boolean;
  /** Builds in a row that failed because of it. */
  failures: number;
}

export async function workerStates(connection: Connection, workerids: readonly number[]): Promise<WorkerStateRow[]> {
  const wanted = connection.dialect.isOneOf("w.id", workerids);
  const rows = await queryRows<{ [K in keyof WorkerStateRow]: K extends "name" ? string : number }>(
    connection,
    `select w.id as workerid, w.name, w.paused, w.graceful, coalesce(l.failures, 0) as failures, ${quarantineColumnsOf(connection)}
       from workers w left join mm_worker_lives l on l.workerid = w.id where ${wanted.sql} order by w.id`,
    wanted.bindings,
  );
  return rows.map((row) => ({
    workerid: row.workerid,
    name: row.name,
    paused: row.paused !== 0,
    graceful: row.graceful !== 0,
    atOnce: row.graceful === atOnce,
    quarantined: row.quarantined === 1,
    onProbation: row.onProbation === 1,
    failures: row.failures,
  }));
}

export async function setWorkerPaused(
  connection: Connection,
  workerid: number,
  paused: boolean,
  reason: string | null,
): Promise<boolean> {
  const sql = "update workers set paused = ?, pause_reason = ? where id = ?";
  return (
    (await execute(connection, sql, [
      Number(paused),
      paused ? fitNullable(reason, longest.sentence) : null,
      workerid,
    ])) === 1
  );
}

/** Whether it has to end: when its builds are done, or immediately. */
export async function setWorkerGraceful(
  connection: Connection,
  workerid: number,
  graceful: boolean | "at once",
): Promise<boolean> {
  const value = graceful === "at once" ? atOnce : Number(graceful);
  return (await execute(connection, "update workers set graceful = ? where id = ?", [value, workerid])) === 1;
}
