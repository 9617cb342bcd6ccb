import { fencedTransaction } from "@multimaster/cluster";
import {
  advanceLog,
  type Connection,
  completeLog,
  getLogState,
  insertLog,
  insertLogChunks,
  type LogChunk,
} from "@multimaster/database";
import { logs } from "../resources/logs.ts";
import { splitIntoChunks } from "./log-chunks.ts";
import type { LogCompressor } from "./log-compressor.ts";
import type { UpdateContext } from "./update-context.ts";

export type LogType = "s" | "t" | "h";

export interface LogUpdates {
  /**
   * Adds a log; a taken slug gets `_2`, `_3`… (fenced). Called again before anything was written to it, because the answer
   * was lost, it returns the same row.
   */
  add(log: { stepid: number; name: string; type: LogType }): Promise<{ logid: number; slug: string }>;
  /**
   * Appends whole lines (each ended by a newline; for type "s" each beginning with o, e or h) at line `firstLine`
   * (fenced). The caller is the log's only writer and counts its lines; a repeated call after a lost answer adds nothing.
   * Resolves to the number of lines stored in all.
   */
  append(logid: number, firstLine: number, text: string): Promise<number>;
  /** Marks it complete (fenced), then merges and compresses its chunks. */
  finish(logid: number): Promise<void>;
  /** Merges and compresses, in the background, the chunks of logs of a master that is gone. */
  compress(logids: readonly number[]): void;
}

/** Longer pieces of a log, in characters, get a transaction of their own: they must not hold up what others write. */
const smallText = 16_384;

export function createLogUpdates(
  { database, lease, events, track, write }: UpdateContext,
  compressor: LogCompressor,
): LogUpdates {
  return {
    async add(newLog) {
      const { id: logid, slug } = await write(`step ${newLog.stepid}`, (tx) => insertLog(tx, newLog));
      await track(events.of(logs).new([logid]));
      return { logid, slug };
    },
    async append(logid, firstLine, text) {
      if (text === "") return firstLine;
      if (!text.endsWith("\n")) throw new Error("a log is appended to in whole lines");
      // Cut before the transaction begins: it holds the database's only connection, on SQLite.
      const chunks = await splitIntoChunks(Buffer.from(text, "utf8"), firstLine);
      const append = (tx: Connection) => appendChunks(tx, logid, chunks);
      const added = await (text.length > smallText
        ? fencedTransaction(database, lease, append)
        : write(`log ${logid}`, append));
      if (added.appended) await track(events.of(logs).append([logid]));
      return added.numLines;
    },
    async finish(logid) {
      if (!(await write(`log ${logid}`, (tx) => completeLog(tx, logid)))) return;
      await track(events.of(logs).finished([logid]));
      compressor.compress(logid);
    },
    compress(logids) {
      for (const logid of logids) compressor.compress(logid);
    },
  };
}

async function appendChunks(
  tx: Connection,
  logid: number,
  chunks: readonly LogChunk[],
): Promise<{ numLines: number; appended: boolean }> {
  const from = (chunks[0] as LogChunk).firstLine;
  const to = (chunks.at(-1) as LogChunk).lastLine + 1;
  if (await advanceLog(tx, logid, from, to)) {
    await insertLogChunks(tx, logid, chunks);
    return { numLines: to, appended: true };
  }
  const state = await getLogState(tx, logid);
  if (!state) throw new Error(`there is no log ${logid}`);
  // The answer of an earlier call was lost: these lines are stored already.
  if (state.numLines >= to) return { numLines: state.numLines, appended: false };
  const why = state.complete ? "it is complete" : `it has ${state.numLines} lines`;
  throw new Error(`lines ${from} to ${to - 1} cannot be appended to log ${logid}: ${why}`);
}
