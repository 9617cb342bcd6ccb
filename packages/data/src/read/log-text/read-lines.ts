import { type Connection, queryRows } from "@multimaster/database";
import { decompressChunk } from "./decompress.ts";

/** Chunks fetched by one query: what a reader holds in memory, whatever the log's size. */
const chunksAtOnce = 8;

const newline = 0x0a;

interface ChunkRow {
  first_line: number;
  last_line: number;
  content: Buffer | null;
  compressed: number;
}

/** The log to read. */
export interface LogToRead {
  readonly logid: number;
  /** s: each line begins with the letter of its stream. */
  readonly type: string;
}

/**
 * The stored bytes of a log's lines, each ended by a newline, chunk by chunk. A page of chunks starts at the next
 * line, not at a chunk: chunks may be merged between two pages.
 */
export async function* readLines(
  connection: Connection,
  log: LogToRead,
  offset = 0,
  limit = Number.POSITIVE_INFINITY,
): AsyncGenerator<Buffer> {
  let next = offset;
  const end = offset + limit;
  let page = readPage(connection, log, next);
  while (next < end) {
    const rows = await page;
    if (rows.length === 0) return;
    const after = (rows.at(-1) as ChunkRow).last_line + 1;
    // Read while this page is sent.
    if (rows.length === chunksAtOnce && after < end) page = readPage(connection, log, after);
    else page = nothing;
    // Unpacked side by side, by the threads of zlib, while the first ones are sent.
    const texts = rows.map((row) => (row.first_line < end ? readChunk(log, row) : undefined));
    for (const [i, row] of rows.entries()) {
      if (next >= end || row.first_line >= end) return;
      const from = Math.max(next, row.first_line);
      const to = Math.min(end, row.last_line + 1);
      // Two rows for the same lines: the first one is used.
      if (to <= from) continue;
      const text = (await texts[i]) as Buffer;
      yield cutLines(text, from - row.first_line, to - row.first_line, row.last_line + 1 - row.first_line);
      next = to;
    }
  }
}

const nothing: Promise<ChunkRow[]> = Promise.resolve([]);

function readPage(connection: Connection, log: LogToRead, line: number): Promise<ChunkRow[]> {
  const rows = queryRows<ChunkRow>(
    connection,
    `select first_line, last_line, content, compressed from logchunks
      where logid = ? and last_line >= cast(? as bigint) order by last_line limit ${chunksAtOnce}`,
    [log.logid, line],
  );
  // If the reader leaves before, no one asks for it.
  rows.catch(() => undefined);
  return rows;
}

/** The first line of an unreadable chunk says so; its other lines are empty, so that later lines keep their numbers. */
async function readChunk(log: LogToRead, row: ChunkRow): Promise<Buffer> {
  const text = await decompressChunk(row.content ?? Buffer.alloc(0), row.compressed);
  if (Buffer.isBuffer(text)) return Buffer.concat([text, Buffer.from([newline])]);
  const prefix = log.type === "s" ? "h" : "";
  const sentence = `[lines ${row.first_line} to ${row.last_line} of this log cannot be shown: ${text.problem}]`;
  return Buffer.from(`${prefix}${sentence}\n${`${prefix}\n`.repeat(row.last_line - row.first_line)}`);
}

function cutLines(text: Buffer, from: number, to: number, count: number): Buffer {
  if (from === 0 && to === count) return text;
  const start = findLine(text, 0, from);
  return text.subarray(start, findLine(text, start, to - from));
}

/** Returns where the line begins that is `lines` lines after `start`. */
function findLine(text: Buffer, start: number, lines: number): number {
  let at = start;
  for (let i = 0; i < lines; i++) {
    const end = text.indexOf(newline, at);
    if (end < 0) return text.length;
    at = end + 1;
  }
  return at;
}

/** The lines without the letter that each of them begins with. An empty line has no letter to lose. */
export function stripPrefixes(lines: Buffer): Buffer {
  const { length } = lines;
  const out = Buffer.allocUnsafe(length);
  let to = 0;
  // Byte by byte: lines are short, and calls that find and copy each of them take longer than this.
  for (let at = 0; at < length; ) {
    if (lines[at] !== newline) at++;
    while (at < length) {
      const byte = lines[at++] as number;
      out[to++] = byte;
      if (byte === newline) break;
    }
  }
  return out.subarray(0, to);
}
