import { looksLikeTrouble } from "@multimaster/data/client";
import { stripAnsi } from "./ansi.ts";
import { readLines, splitStream } from "./read-log.ts";
import type { SearchPattern } from "./search-pattern.ts";

export interface LogSearch {
  /** Numbers of the lines found so far, from 0. */
  readonly found: readonly number[];
  /** How many lines were searched. */
  readonly searched: number;
  readonly isDone: boolean;
}

const pieceLines = 10_000;
const mostFound = 10_000;
/** A search lets the page draw, and hear its reader, after so long. */
const mostBusyMs = 30;

/** Nothing was searched yet. */
export const unsearched: LogSearch = { found: [], searched: 0, isDone: false };

/**
 * Searches a log piece by piece behind what was searched `before`, and reports after each piece; only the numbers of the lines
 * found are kept.
 */
export async function searchLog(
  log: { readonly logid: number; readonly type: string; readonly num_lines: number },
  pattern: SearchPattern,
  report: (search: LogSearch) => void,
  signal: AbortSignal,
  before: LogSearch = unsearched,
): Promise<LogSearch> {
  const found = [...before.found];
  let searched = before.searched;
  while (searched < log.num_lines && found.length < mostFound) {
    const lines = await readLines(log.logid, searched, Math.min(pieceLines, log.num_lines - searched));
    if (signal.aborted || lines.length === 0) break;
    let since = performance.now();
    for (const [i, line] of lines.entries()) {
      if (pattern.test(stripAnsi(splitStream(line, log.type).text))) found.push(searched + i);
      if (performance.now() - since < mostBusyMs) continue;
      await new Promise((done) => setTimeout(done));
      if (signal.aborted) break;
      since = performance.now();
    }
    if (signal.aborted) break;
    searched += lines.length;
    if (searched < log.num_lines) report({ found: [...found], searched, isDone: false });
  }
  const result = { found, searched, isDone: searched >= log.num_lines || found.length >= mostFound };
  if (!signal.aborted) report(result);
  return result;
}

const mostSearched = 200_000;

/**
 * Where a log opens. If the step failed: at the first line that looks like the reason, or at the end. Otherwise: at the first
 * line that the command printed, below how it was called. Undefined: at the beginning.
 */
export async function findOpening(
  log: { readonly logid: number; readonly type: string; readonly num_lines: number },
  seeksTrouble: boolean,
  signal: AbortSignal,
): Promise<number | undefined> {
  const most = Math.min(log.num_lines, seeksTrouble ? mostSearched : 500);
  for (let offset = 0; offset < most; offset += pieceLines) {
    const lines = await readLines(log.logid, offset, Math.min(pieceLines, most - offset));
    if (signal.aborted) return undefined;
    const at = lines.findIndex((line) => {
      const { stream, text } = splitStream(line, log.type);
      return stream !== "h" && (!seeksTrouble || looksLikeTrouble(stripAnsi(text)));
    });
    if (at !== -1) return offset + at;
  }
  return seeksTrouble ? log.num_lines - 1 : undefined;
}
