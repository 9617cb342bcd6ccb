import type { Connection, Row } from "../connection.ts";
import { execute, queryRows } from "../dialect.ts";
import { together } from "../together.ts";
import { updateRows } from "../update-rows.ts";
import { longest, truncateText } from "./column-text.ts";
import { findFreeName } from "./free-name.ts";
import { insertRows } from "./insert-rows.ts";

/** A name as topics and paths can hold it: letters, digits, `_`, `-`, and whatever lies beyond ASCII but white space. */
export function slugify(name: string): string {
  const slug = truncateText(name.replace(/[^\w\u00a0-\u{10ffff}-]|\s/gu, "_"), 50);
  return /^\d/.test(slug) ? truncateText(`_${slug}`, 50) : slug || "_";
}

export interface NewLogRow {
  stepid: number;
  name: string;
  type: string;
}

/**
 * Adds an empty log to a step. One of that name that has just the `lines` that are to be written with it, and is open unless
 * they are the last, is what an earlier call left whose answer was lost, for a step writes to one log of a name at a time: it
 * is given again.
 */
export function insertLog(
  tx: Connection,
  log: NewLogRow,
  written = { lines: 0, isLast: false },
): Promise<{ id: number; slug: string }> {
  return insert(tx, { ...log, ...written });
}

type WantedLog = NewLogRow & { readonly lines: number; readonly isLast: boolean };

const insert = together(
  async (tx, logs: readonly WantedLog[]) => {
    const inserted = new Map<number, { id: number; slug: string }>();
    // Each failed try means that another transaction has taken a slug, so this ends.
    while (inserted.size < logs.length) {
      const missing = logs.filter(({ stepid }) => !inserted.has(stepid));
      for (const [stepid, log] of await tryInsertLogs(tx, missing)) inserted.set(stepid, log);
    }
    return logs.map(({ stepid }) => inserted.get(stepid) as { id: number; slug: string });
  },
  ({ stepid }) => stepid,
);

interface KnownLog {
  id: number;
  stepid: number;
  name: string;
  slug: string;
  num_lines: number;
  complete: number;
}

/** By step; without those whose slug was taken meanwhile. */
async function tryInsertLogs(tx: Connection, logs: readonly WantedLog[]) {
  const wanted = tx.dialect.isOneOf(
    "stepid",
    logs.map(({ stepid }) => stepid),
  );
  const rows = await queryRows<KnownLog>(
    tx,
    `select id, stepid, name, slug, num_lines, complete from logs where ${wanted.sql}`,
    wanted.bindings,
  );
  const found = new Map<number, { id: number; slug: string }>();
  const fresh: (string | number)[][] = [];
  for (const { stepid, name: given, type, lines, isLast } of logs) {
    const name = truncateText(given, longest.name);
    const known = rows.filter((row) => row.stepid === stepid);
    const left = known.find((row) => row.name === name && row.num_lines === lines && (isLast || row.complete === 0));
    if (left) found.set(stepid, { id: left.id, slug: left.slug });
    else fresh.push([stepid, name, findFreeName(slugify(given), new Set(known.map(({ slug }) => slug)), 2), type]);
  }
  if (fresh.length === 0) return found;
  const given = tx.dialect.rowsOf(["integer", "text", "text", "text"], fresh);
  const inserted = await queryRows<{ id: number; stepid: number; slug: string }>(
    tx,
    `with v(stepid, name, slug, type) as (${given.sql})
     insert into logs (stepid, name, slug, type, complete, num_lines)
     select stepid, name, slug, type, 0, 0 from v where true
     on conflict (stepid, slug) do nothing returning id, stepid, slug`,
    given.bindings,
  );
  for (const { stepid, id, slug } of inserted) found.set(stepid, { id, slug });
  return found;
}

export interface LogState {
  numLines: number;
  complete: boolean;
  type: string;
}

export async function getLogState(connection: Connection, logid: number): Promise<LogState | undefined> {
  const [row] = await queryRows<{ num_lines: number; complete: number; type: string }>(
    connection,
    "select num_lines, complete, type from logs where id = ?",
    [logid],
  );
  return row && { numLines: row.num_lines, complete: row.complete === 1, type: row.type };
}

/** Moves the end of an open log from line `from` to line `to`, if that is where it was: the turnstile of all appends. */
export function advanceLog(tx: Connection, logid: number, from: number, to: number): Promise<boolean> {
  return advance(tx, { logid, from, to });
}

const advance = updateRows<{ logid: number; from: number; to: number }>({
  columns: { logid: "integer", old: "integer", new: "integer" },
  valuesOf: ({ logid, from, to }) => [logid, from, to],
  update: () =>
    "update logs set num_lines = v.new from v where logs.id = v.logid and num_lines = v.old and complete = 0",
});

/** A piece of a log: whole lines without the last newline, maybe compressed. */
export interface LogChunk {
  firstLine: number;
  lastLine: number;
  content: Buffer;
  compressed: number;
}

export function insertLogChunks(tx: Connection, logid: number, chunks: readonly LogChunk[]): Promise<void> {
  return insertChunks(tx, { logid, chunks });
}

const insertChunks = together(async (tx, logs: readonly { logid: number; chunks: readonly LogChunk[] }[]) => {
  const rows: Row[] = logs.flatMap(({ logid, chunks }) =>
    chunks.map((chunk) => ({
      logid,
      first_line: chunk.firstLine,
      last_line: chunk.lastLine,
      content: chunk.content,
      compressed: chunk.compressed,
    })),
  );
  await insertRows(tx, "logchunks", rows, 32);
  return logs.map(() => undefined);
});

/** A chunk without its content. */
export interface LogChunkSize {
  firstLine: number;
  lastLine: number;
  bytes: number;
  compressed: number;
}

/** Chunks from a line on, in order, without their contents. */
export async function logChunkSizes(
  connection: Connection,
  logid: number,
  fromLine: number,
  limit: number,
): Promise<LogChunkSize[]> {
  return queryRows(
    connection,
    `select first_line as "firstLine", last_line as "lastLine", coalesce(length(content), 0) as bytes, compressed from logchunks
      where logid = ? and first_line >= ? order by first_line limit ?`,
    [logid, fromLine, limit],
  );
}

/** Chunks that begin between two lines, both included, in order. */
export async function getLogChunks(
  connection: Connection,
  logid: number,
  from: number,
  to: number,
): Promise<LogChunk[]> {
  const rows = await queryRows<{ first_line: number; last_line: number; content: Buffer | null; compressed: number }>(
    connection,
    `select first_line, last_line, content, compressed from logchunks
      where logid = ? and first_line between ? and ? order by first_line`,
    [logid, from, to],
  );
  return rows.map((row) => ({
    firstLine: row.first_line,
    lastLine: row.last_line,
    content: row.content ?? Buffer.alloc(0),
    compressed: row.compressed,
  }));
}

/**
 * Puts other chunks in place of some neighbouring ones, within one transaction so that a reader sees either. False, and
 * nothing done, when they are not there any more (a janitor has removed them).
 */
export async function replaceLogChunks(
  tx: Connection,
  logid: number,
  old: readonly LogChunk[],
  chunks: readonly LogChunk[],
): Promise<boolean> {
  const firstLines = tx.dialect.isOneOf(
    "first_line",
    old.map((chunk) => chunk.firstLine),
  );
  await queryRows(tx, `select id from logs where id = ?${tx.dialect.noKeyUpdateLock}`, [logid]);
  const present = await queryRows<{ n: number }>(
    tx,
    `select count(*) as n from logchunks where logid = ? and ${firstLines.sql}`,
    [logid, ...firstLines.bindings],
  );
  if (present[0]?.n !== old.length) return false;
  await execute(tx, `delete from logchunks where logid = ? and ${firstLines.sql}`, [logid, ...firstLines.bindings]);
  await insertLogChunks(tx, logid, chunks);
  return true;
}

/** Marks a log complete; false when it already was. */
export const completeLog = updateRows<number>({
  columns: { logid: "integer" },
  valuesOf: (logid) => [logid],
  update: () => "update logs set complete = 1 from v where logs.id = v.logid and complete <> 1",
});
