import { looksLikeTrouble } from "@multimaster/data/client";
import { stripAnsi } from "./ansi.ts";
import { readLines, splitStream } from "./read-log.ts";

export interface LogSearch {
  /** Numbers of the lines found so far, from 0. */
  readonly found: readonly number[];
  /** How many lines were searched. */
  readonly searched: number;
  readonly isDone: boolean;
}

const pieceLines = 10_000;
const mostFound = 10_000;

/** Searches a log piece by piece and reports after each; only the numbers of the lines found are kept. */
export async function searchLog(
  log: { readonly logid: number; readonly type: string; readonly num_lines: number },
  isWanted: (text: string) => boolean,
  report: (search: LogSearch) => void,
  signal: AbortSignal,
): Promise<void> {
  const found: number[] = [];
  for (let offset = 0; offset < log.num_lines && found.length < mostFound; offset += pieceLines) {
    const lines = await readLines(log.logid, offset, Math.min(pieceLines, log.num_lines - offset));
    if (signal.aborted) return;
    for (const [i, line] of lines.entries())
      if (isWanted(stripAnsi(splitStream(line, log.type).text))) found.push(offset + i);
    report({ found: [...found], searched: offset + lines.length, isDone: false });
  }
  report({ found, searched: log.num_lines, isDone: true });
}

/** What a reader typed: a text in any case, or a regular expression between slashes. Undefined: it is invalid. */
export function createMatcher(typed: string): ((text: string) => boolean) | undefined {
  const expression = /^\/(.+)\/(i?)$/.exec(typed);
  if (!expression) {
    const wanted = typed.toLowerCase();
    return (text) => text.toLowerCase().includes(wanted);
  }
  try {
    const pattern = new RegExp(expression[1] ?? "", expression[2]);
    return (text) => pattern.test(text);
  } catch {
    return undefined;
  }
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
