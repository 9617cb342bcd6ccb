import { fencedTransaction } from "@multimaster/cluster";
import {
  advanceLog,
  type Connection,
  completeLog,
  getLogState,
  insertLog,
  insertLogChunks,
  insertLogTimes,
  type LogChunk,
  type LogTime,
} from "@multimaster/database";
import { logs } from "../resources/logs.ts";
import { splitIntoChunks } from "./log-chunks.ts";
import { isTiny, type LogCompressor } from "./log-compressor.ts";
import type { UpdateContext } from "./update-context.ts";

export type { LogTime };
export type LogType = "s" | "t" | "h";

export interface LogUpdates {
  /**
   * Adds a log with its first lines; `isLast`: with all that it will have, so that it is complete. A taken slug gets `_2`,
   * `_3`… (fenced). `times`: when its lines were printed. Called again because the answer was lost, it returns the same row.
   */
  add(
    log: { stepid: number; name: string; type: LogType },
    text?: string,
    isLast?: boolean,
    times?: readonly LogTime[],
  ): Promise<{ logid: number; slug: string }>;
  /**
   * Appends whole lines (each ended by a newline; for type "s" each beginning with o, e or h) at line `firstLine`
   * (fenced); `isLast`: the log is complete with them. The caller is the log's only writer and counts its lines; a repeated
   * call after a lost answer adds nothing. Resolves to the number of lines stored in all.
   */
  append(logid: number, firstLine: number, text: string, isLast?: boolean, times?: readonly LogTime[]): Promise<number>;
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
  async function publish(logid: number, { appended, completed }: Written): Promise<void> {
    if (appended) await track(events.of(logs).append([logid]));
    if (completed) await track(events.of(logs).finished([logid]));
  }

  async function append(
    logid: number,
    firstLine: number,
    text: string,
    isLast = false,
    times: readonly LogTime[] = [],
  ): Promise<number> {
    // Cut before the transaction begins: it holds the database's only connection, on SQLite.
    const chunks = await cut(text, firstLine);
    const writeTo = (tx: Connection) => writeChunks(tx, logid, firstLine, { chunks, isLast, times });
    const isSmall = text.length <= smallText;
    const written = await (isSmall ? write(`log ${logid}`, writeTo) : fencedTransaction(database, lease, writeTo));
    await publish(logid, written);
    if (written.completed) compressor.compress(logid);
    return written.numLines;
  }

  return {
    async add(newLog, text = "", isLast = false, times = []) {
      const isSmall = text.length <= smallText;
      const chunks = isSmall ? await cut(text, 0) : [];
      const { log, written } = await write(`step ${newLog.stepid}`, async (tx) => {
        const log = await insertLog(tx, newLog, { lines: countLinesOf(chunks), isLast: isLast && isSmall });
        return {
          log,
          written: await writeChunks(tx, log.id, 0, { chunks, isLast: isLast && isSmall, times: isSmall ? times : [] }),
        };
      });
      const { id: logid, slug } = log;
      await track(events.of(logs).new([logid]));
      await publish(logid, written);
      if (written.completed && !isTiny(chunks)) compressor.compress(logid);
      if (!isSmall) await append(logid, 0, text, isLast, times);
      return { logid, slug };
    },
    append: async (logid, firstLine, text, isLast, times) =>
      text === "" && !isLast ? firstLine : append(logid, firstLine, text, isLast, times),
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

async function cut(text: string, firstLine: number): Promise<readonly LogChunk[]> {
  if (text === "") return [];
  if (!text.endsWith("\n")) throw new Error("a log is appended to in whole lines");
  return splitIntoChunks(Buffer.from(text, "utf8"), firstLine);
}

function countLinesOf(chunks: readonly LogChunk[]): number {
  return (chunks.at(-1)?.lastLine ?? -1) + 1;
}

/** What a write has changed; nothing, when an earlier call whose answer was lost has. */
interface Written {
  numLines: number;
  appended: boolean;
  completed: boolean;
}

interface NewLines {
  readonly chunks: readonly LogChunk[];
  readonly isLast: boolean;
  readonly times: readonly LogTime[];
}

async function writeChunks(
  tx: Connection,
  logid: number,
  firstLine: number,
  { chunks, isLast, times }: NewLines,
): Promise<Written> {
  const added = chunks.length > 0 ? await appendChunks(tx, logid, chunks) : { numLines: firstLine, appended: false };
  if (added.appended && times.length > 0) await insertLogTimes(tx, logid, times);
  return { ...added, completed: isLast && (await completeLog(tx, logid)) };
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
