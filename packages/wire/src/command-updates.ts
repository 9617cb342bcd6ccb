import { RequestRefused } from "./link-errors.ts";
import { describeIssues, type UpdateName, updateValues } from "./messages.ts";

/**
 * Whole lines of one stream. `text` ends with a newline; `times` has one epoch time per line, by the worker's clock, or none
 * if very many lines came without times.
 */
export interface StreamUpdate {
  readonly kind: "stream";
  /** `stdout`, `stderr`, `header`, or the name of a watched log file. */
  readonly name: string;
  readonly text: string;
  readonly times: readonly number[];
}

/** Ten integers: mode, inode, device, links, uid, gid, size, atime, mtime, ctime. */
export interface StatUpdate {
  readonly kind: "stat";
  readonly stat: readonly number[];
}

/** Names (listdir) or full paths (glob), unsorted. */
export interface FilesUpdate {
  readonly kind: "files";
  readonly files: readonly string[];
}

/** What a command reports while it runs. Only its completion ends it, never its return code. */
export type CommandUpdate = StreamUpdate | StatUpdate | FilesUpdate;

/** The part of a command's result known so far; the last value wins. */
export interface ResultSoFar {
  rc?: number;
  elapsed?: number;
  failureReason?: string;
}

/** Parses the pairs of one `update` into updates, and stores rc, elapsed and failure reason in `result`. */
export function readUpdates(pairs: readonly (readonly [string, ...unknown[]])[], result: ResultSoFar): CommandUpdate[] {
  const updates: CommandUpdate[] = [];
  for (const [name, value] of pairs) {
    const update = readUpdate(name, value, result);
    if (update !== undefined) updates.push(update);
  }
  return updates;
}

function readUpdate(name: string, value: unknown, result: ResultSoFar): CommandUpdate | undefined {
  switch (name as UpdateName) {
    case "stdout":
    case "stderr":
    case "header":
      return readLines(name, parseValue("stdout", value));
    case "log": {
      const [logName, lines] = parseValue("log", value);
      return readLines(logName, lines);
    }
    case "stat":
      return { kind: "stat", stat: parseValue("stat", value) };
    case "files":
      return { kind: "files", files: parseValue("files", value) };
    case "rc":
      result.rc = parseValue("rc", value);
      return;
    case "elapsed":
      result.elapsed = parseValue("elapsed", value);
      return;
    case "failure_reason":
      result.failureReason = parseValue("failure_reason", value);
      return;
    default:
      // A newer worker may report more; nothing here depends on it.
      return;
  }
}

function parseValue<N extends UpdateName>(name: N, value: unknown): ReturnType<(typeof updateValues)[N]["parse"]> {
  const parsed = updateValues[name].safeParse(value);
  if (!parsed.success) throw new RequestRefused(`update "${name}" is invalid: ${describeIssues(parsed.error)}`);
  return parsed.data as ReturnType<(typeof updateValues)[N]["parse"]>;
}

/** Maximum number of times that are filled in for lines without one. */
const maxFilledTimes = 100_000;

/** Completes hostile or careless data, so that the text ends with a newline and each line has a time. */
function readLines(name: string, data: [string, number[], number[], ...unknown[]]): StreamUpdate | undefined {
  const [text, , times] = data;
  if (text === "") return undefined;
  const whole = text.endsWith("\n") ? text : `${text}\n`;
  let lines = 0;
  for (let at = whole.indexOf("\n"); at !== -1; at = whole.indexOf("\n", at + 1)) lines += 1;
  if (times.length === lines) return { kind: "stream", name, text: whole, times };
  if (lines > maxFilledTimes) return { kind: "stream", name, text: whole, times: [] };
  const last = times.at(-1) ?? Date.now() / 1000;
  return { kind: "stream", name, text: whole, times: Array.from({ length: lines }, (_, i) => times[i] ?? last) };
}
