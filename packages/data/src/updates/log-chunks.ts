import { promisify } from "node:util";
import { constants, deflate } from "node:zlib";
import type { LogChunk } from "@multimaster/database";

/** Values of `logchunks.compressed` that we write (docs/spec/database.md §4). */
export const Compression = { none: 0, zlib: 1 } as const;

/** Most bytes of a chunk as stored. */
export const maxChunkBytes = 65_536;

const newline = 0x0a;
const deflateAsync = promisify(deflate);

/** zlib is the one code that every Buildbot master can read, whatever Python packages it has. */
export function compressChunk(content: Buffer): Promise<Buffer> {
  return deflateAsync(content, { level: constants.Z_BEST_SPEED });
}

export function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(newline); at !== -1; at = bytes.indexOf(newline, at + 1)) lines += 1;
  return lines;
}

/** Splits whole lines into chunks, each as large as a chunk may be. */
export async function splitIntoChunks(bytes: Buffer, firstLine: number): Promise<LogChunk[]> {
  const chunks: LogChunk[] = [];
  let line = firstLine;
  for (let start = 0; start < bytes.length; ) {
    // The newline that ends the chunk is not stored, so it may lie one byte beyond the limit.
    let end = bytes.subarray(start, start + maxChunkBytes + 1).lastIndexOf(newline);
    const long = end === -1;
    end = long ? bytes.indexOf(newline, start) : start + end;
    const content = bytes.subarray(start, end);
    const last = long ? line : line + countLines(content);
    const stored = long ? await storeLongLine(content) : { content, compressed: Compression.none };
    chunks.push({ firstLine: line, lastLine: last, ...stored });
    line = last + 1;
    start = end + 1;
  }
  return chunks;
}

/** A line beyond the limit is kept whole if it fits when compressed; what does not is cut between two characters. */
async function storeLongLine(content: Buffer): Promise<Pick<LogChunk, "content" | "compressed">> {
  const small = await compressChunk(content);
  if (small.length <= maxChunkBytes) return { content: small, compressed: Compression.zlib };
  let end = maxChunkBytes - 1;
  while (end > 0 && ((content[end] as number) & 0xc0) === 0x80) end -= 1;
  return { content: content.subarray(0, end), compressed: Compression.none };
}
