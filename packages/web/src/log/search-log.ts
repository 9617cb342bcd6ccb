import { stripAnsi } from "./ansi.ts";
import { readLines, splitStream } from "./read-log.ts";

export interface LogSearch {
  /** Numbers of the lines found so far, from 0. */
  readonly found: readonly number[];
  /** How many lines were looked at. */
  readonly searched: number;
  readonly isDone: boolean;
}

const pieceLines = 10_000;
const mostFound = 10_000;

/** Looks through a log piece by piece and tells after each; nothing of it is kept but the numbers of lines. */
export async function searchLog(
  log: { readonly logid: number; readonly type: string; readonly num_lines: number },
  isWanted: (text: string) => boolean,
  tell: (search: LogSearch) => void,
  signal: AbortSignal,
): Promise<void> {
  const found: number[] = [];
  for (let offset = 0; offset < log.num_lines && found.length < mostFound; offset += pieceLines) {
    const lines = await readLines(log.logid, offset, Math.min(pieceLines, log.num_lines - offset));
    if (signal.aborted) return;
    for (const [i, line] of lines.entries())
      if (isWanted(stripAnsi(splitStream(line, log.type).text))) found.push(offset + i);
    tell({ found: [...found], searched: offset + lines.length, isDone: false });
  }
  tell({ found, searched: log.num_lines, isDone: true });
}

/** What a reader typed: a text whatever its case, or between slashes a regular expression. */
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

const trouble = /\b(errors?|fatal|fail|failed|failure|exception|traceback|panic|not ok|assertion)\b|✗/i;
const noTrouble = /\b(0|no) (errors?|failed|failures?|fail)\b/i;
const mostLooked = 200_000;

/**
 * Where a log is opened: of a step that failed at the first line that looks like the reason, else at its end; of another one
 * at the first line that its command printed, below what it was called with. Undefined: at its beginning.
 */
export async function findOpening(
  log: { readonly logid: number; readonly type: string; readonly num_lines: number },
  seeksTrouble: boolean,
  signal: AbortSignal,
): Promise<number | undefined> {
  const most = Math.min(log.num_lines, seeksTrouble ? mostLooked : 500);
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

export function looksLikeTrouble(text: string): boolean {
  return trouble.test(text) && !noTrouble.test(text);
}
