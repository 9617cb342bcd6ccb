import { promisify } from "node:util";
import { constants, deflate } from "node:zlib";
import type { LogChunk } from "@multimaster/database";

/** Values of `logchunks.compressed` that we write (docs/spec/database.md §4). */
export const Compression = { none: 0, zlib: 1 } as const;

/** Most bytes of a chunk as stored. */
export const maxChunkBytes = 65_536;

const newline = 0x0a;
const deflateAsync = promisify(deflate);

/** Whole chunks at once: each piece of the output is a round through the threads that compress. */
const chunkSize = maxChunkBytes + 1024;

/** zlib is the one code that every Buildbot master can read, whatever Python packages it has. */
export function compressChunk(content: Buffer): Promise<Buffer> {
  return deflateAsync(content, { level: constants.Z_BEST_SPEED, chunkSize });
}

/** Content as it is stored: compressed, unless that makes it larger. */
export async function storeCompressed(content: Buffer): Promise<Pick<LogChunk, "content" | "compressed">> {
  const small = await compressChunk(content);
  if (small.length >= content.length) return { content, compressed: Compression.none };
  return { content: small, compressed: Compression.zlib };
}

/** Chunks from this size on are compressed before they are stored; smaller ones are merged when the log is finished. */
const largeChunk = 16_384;

export function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(newline); at !== -1; at = bytes.indexOf(newline, at + 1)) lines += 1;
  return lines;
}

/** Splits whole lines into chunks, each as large as a chunk may be. The threads of zlib compress them side by side. */
export function splitIntoChunks(bytes: Buffer, firstLine: number): Promise<LogChunk[]> {
  const chunks: Promise<LogChunk>[] = [];
  let line = firstLine;
  for (let start = 0; start < bytes.length; ) {
    // The newline that ends the chunk is not stored, so it may lie one byte beyond the limit.
    let end = bytes.subarray(start, start + maxChunkBytes + 1).lastIndexOf(newline);
    const long = end === -1;
    end = long ? bytes.indexOf(newline, start) : start + end;
    const content = bytes.subarray(start, end);
    const last = long ? line : line + countLines(content);
    chunks.push(storeChunk(content, long, line, last));
    line = last + 1;
    start = end + 1;
  }
  return Promise.all(chunks);
}

async function storeChunk(content: Buffer, isLong: boolean, firstLine: number, lastLine: number): Promise<LogChunk> {
  if (isLong) return { firstLine, lastLine, ...(await storeLongLine(content)) };
  if (content.length < largeChunk) return { firstLine, lastLine, content, compressed: Compression.none };
  return { firstLine, lastLine, ...(await storeCompressed(content)) };
}

/** A line beyond the limit is kept whole if it fits when compressed; what does not is cut between two characters. */
async function storeLongLine(content: Buffer): Promise<Pick<LogChunk, "content" | "compressed">> {
  const small = await compressChunk(content);
  if (small.length <= maxChunkBytes) return { content: small, compressed: Compression.zlib };
  let end = maxChunkBytes - 1;
  while (end > 0 && ((content[end] as number) & 0xc0) === 0x80) end -= 1;
  return { content: content.subarray(0, end), compressed: Compression.none };
}
