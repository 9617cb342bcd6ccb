import { fencedTransaction, isLeaseLoss, type Lease } from "@multimaster/cluster";
import { Backoff, type Clock, type Logger } from "@multimaster/core";
import {
  type Database,
  getLogChunks,
  type LogChunk,
  type LogChunkSize,
  logChunkSizes,
  replaceLogChunks,
} from "@multimaster/database";
import { Compression, maxChunkBytes, storeCompressed } from "./log-chunks.ts";

/** Merges and compresses the chunks of finished logs in the background, one log at a time. */
export interface LogCompressor {
  compress(logid: number): void;
  /** Ends after the current piece; a log that is not compressed is only larger. */
  close(): Promise<void>;
}

export interface LogCompressorOptions {
  readonly database: Database;
  readonly lease: Lease;
  readonly clock: Clock;
  readonly log: Logger;
}

const maxMergedLines = 1000;
/** Uncompressed bytes that are in memory, and in one transaction, at a time. */
const maxBatchBytes = 2 << 20;
const chunksPerRead = 1000;
/** Attempts at a log that cannot be compressed although the database answers. */
const maxTries = 5;
/** Below this a single chunk is not worth a transaction. */
const minBytes = 1024;

/** Whether these chunks, all that their log has, stay as they are. */
export function isTiny(chunks: readonly LogChunk[]): boolean {
  return chunks.length === 0 || (chunks.length === 1 && (chunks[0] as LogChunk).content.length < minBytes);
}

export function createLogCompressor({ database, lease, clock, log }: LogCompressorOptions): LogCompressor {
  let closing = false;
  const closed = new AbortController();
  let tail: Promise<void> = Promise.resolve();

  async function compressLog(logid: number): Promise<void> {
    for (let line = 0; !closing; ) {
      const sizes = await logChunkSizes(database, logid, line, chunksPerRead);
      for (const batch of takeBatches(groupChunks(sizes))) {
        if (closing || !(await replaceBatch(logid, batch))) return;
      }
      if (sizes.length < chunksPerRead) return;
      line = (sizes.at(-1) as LogChunkSize).lastLine + 1;
    }
  }

  async function replaceBatch(logid: number, groups: readonly LogChunkSize[][]): Promise<boolean> {
    const all = groups.flat();
    const old = await getLogChunks(
      database,
      logid,
      (all[0] as LogChunkSize).firstLine,
      (all.at(-1) as LogChunkSize).firstLine,
    );
    const byLine = new Map(old.map((chunk) => [chunk.firstLine, chunk]));
    const contents = groups.map((group) => group.flatMap((size) => byLine.get(size.firstLine) ?? []));
    const merged = await Promise.all(contents.map(mergeChunks));
    return fencedTransaction(database, lease, (tx) => replaceLogChunks(tx, logid, contents.flat(), merged));
  }

  /** It continues after an outage of the database: nothing else would compress the log later. */
  async function keepTrying(logid: number): Promise<void> {
    const backoff = new Backoff({ initial: 500, max: 30_000 });
    for (let tries = 1; !closing; ) {
      try {
        return await compressLog(logid);
      } catch (error) {
        if (isLeaseLoss(error)) return;
        if (!database.dialect.isAway(error) && tries++ >= maxTries) {
          log.warn({ err: error, logid }, `log ${logid} could not be compressed; it stays as it is`);
          return;
        }
      }
      await clock.sleep(backoff.next(), closed.signal);
    }
  }

  return {
    compress(logid) {
      tail = tail.then(() => keepTrying(logid));
    },
    close() {
      closing = true;
      closed.abort();
      return tail;
    },
  };
}

/** Neighbours that go into one chunk: at most 64 KiB and 1000 lines together. Those already compressed stay. */
function groupChunks(sizes: readonly LogChunkSize[]): LogChunkSize[][] {
  const groups: LogChunkSize[][] = [];
  let group: LogChunkSize[] = [];
  let bytes = 0;
  for (const size of sizes) {
    const lines = size.lastLine - (group[0] ?? size).firstLine + 1;
    const fits =
      size.compressed === Compression.none && bytes + size.bytes + 1 <= maxChunkBytes && lines <= maxMergedLines;
    if (!fits || group.length === 0) {
      group = [];
      bytes = 0;
      if (size.compressed !== Compression.none) continue;
      groups.push(group);
    }
    group.push(size);
    bytes += size.bytes + 1;
  }
  return groups.filter((chunks) => chunks.length > 1 || (chunks[0] as LogChunkSize).bytes >= minBytes);
}

function* takeBatches(groups: readonly LogChunkSize[][]): Generator<LogChunkSize[][]> {
  let batch: LogChunkSize[][] = [];
  let bytes = 0;
  for (const group of groups) {
    batch.push(group);
    bytes += group.reduce((sum, size) => sum + size.bytes, 0);
    if (bytes < maxBatchBytes) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

async function mergeChunks(chunks: readonly LogChunk[]): Promise<LogChunk> {
  const newline = Buffer.from("\n");
  const content = Buffer.concat(chunks.flatMap((chunk, i) => (i === 0 ? [chunk.content] : [newline, chunk.content])));
  const { firstLine } = chunks[0] as LogChunk;
  const { lastLine } = chunks.at(-1) as LogChunk;
  return { firstLine, lastLine, ...(await storeCompressed(content)) };
}
