import type { Connection, Row } from "../connection.ts";
import { execute, insertIgnore, queryRows } from "../dialect.ts";
import { longest, truncateText } from "./column-text.ts";
import { findFreeName } from "./free-name.ts";
import { insertRows } from "./insert-rows.ts";

/** A name as topics and paths can hold it: letters, digits, `_`, `-`, and whatever lies beyond ASCII but white space. */
export function slugify(name: string): string {
  const slug = truncateText(name.replace(/[^\w\u00a0-\u{10ffff}-]|\s/gu, "_"), 50);
  return /^\d/.test(slug) ? truncateText(`_${slug}`, 50) : slug || "_";
}

/**
 * Adds an empty log to a step. An open log of that name without a line is what an earlier call left whose answer was
 * lost, for a step writes to one log of a name at a time: it is given again.
 */
export async function insertLog(
  tx: Connection,
  log: { stepid: number; name: string; type: string },
): Promise<{ id: number; slug: string }> {
  for (;;) {
    const rows = await queryRows<{ id: number; name: string; slug: string; num_lines: number; complete: number }>(
      tx,
      "select id, name, slug, num_lines, complete from logs where stepid = ?",
      [log.stepid],
    );
    const left = rows.find(
      (row) => row.name === truncateText(log.name, longest.name) && row.num_lines === 0 && row.complete === 0,
    );
    if (left) return { id: left.id, slug: left.slug };
    const slug = findFreeName(slugify(log.name), new Set(rows.map((row) => row.slug)), 2);
    const [inserted] = await insertIgnore<{ id: number }>(tx, {
      table: "logs",
      rows: [
        {
          name: truncateText(log.name, longest.name),
          slug,
          stepid: log.stepid,
          complete: 0,
          num_lines: 0,
          type: log.type,
        },
      ],
      conflict: ["stepid", "slug"],
      returning: ["id"],
    });
    if (inserted) return { id: inserted.id, slug };
  }
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
export async function advanceLog(tx: Connection, logid: number, from: number, to: number): Promise<boolean> {
  const sql = "update logs set num_lines = ? where id = ? and num_lines = ? and complete = 0";
  return (await execute(tx, sql, [to, logid, from])) === 1;
}

/** A piece of a log: whole lines without the last newline, maybe compressed. */
export interface LogChunk {
  firstLine: number;
  lastLine: number;
  content: Buffer;
  compressed: number;
}

export async function insertLogChunks(tx: Connection, logid: number, chunks: readonly LogChunk[]): Promise<void> {
  const rows: Row[] = chunks.map((chunk) => ({
    logid,
    first_line: chunk.firstLine,
    last_line: chunk.lastLine,
    content: chunk.content,
    compressed: chunk.compressed,
  }));
  await insertRows(tx, "logchunks", rows, 32);
}

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
export async function completeLog(connection: Connection, logid: number): Promise<boolean> {
  return (await execute(connection, "update logs set complete = 1 where id = ? and complete <> 1", [logid])) === 1;
}
