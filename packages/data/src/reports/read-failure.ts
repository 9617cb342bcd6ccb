import { type Connection, queryRows } from "@multimaster/database";
import { readLines } from "../read/log-text/read-lines.ts";

/** Lines at the end of a log among which the one is looked for that says what failed. */
const tailLines = 60;
const longestLine = 500;
const saysError = /\b(?:error|errors|fail|failed|failure|fatal|exception|panic)\b/i;

/**
 * What made a build fail, in one line: the first step that failed, and the last line of its output that speaks of an error,
 * or else its last line. Undefined: no step has failed.
 */
export async function readFailure(connection: Connection, buildid: number): Promise<string | undefined> {
  const [step] = await queryRows<{ id: number; name: string; state: string }>(
    connection,
    "select id, name, state_string as state from steps where buildid = ? and results in (2, 4) order by number limit 1",
    [buildid],
  );
  if (!step) return undefined;
  const logs = await queryRows<LogRow>(
    connection,
    "select id, type, num_lines as lines from logs where stepid = ? and type in ('s', 't') and num_lines > 0 order by id limit 20",
    [step.id],
  );
  // The text of an exception says more than what a program printed before.
  const log = logs.find(({ type }) => type === "t") ?? logs[0];
  const line = log && chooseLine(await readTail(connection, log));
  return `${step.name}: ${line ?? step.state}`;
}

interface LogRow {
  id: number;
  type: string;
  lines: number;
}

/** The last lines of a log, without those that the worker adds. */
async function readTail(connection: Connection, { id, type, lines }: LogRow): Promise<string[]> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of readLines(connection, { logid: id, type }, Math.max(0, lines - tailLines))) {
    pieces.push(piece);
    length += piece.length;
    if (length > 256 * 1024) break;
  }
  const all = Buffer.concat(pieces).toString("utf8").split("\n");
  return type === "s" ? all.filter((line) => !line.startsWith("h")).map((line) => line.slice(1)) : all;
}

/** Undefined: all of them are empty. */
export function chooseLine(lines: readonly string[]): string | undefined {
  const full = lines.map((line) => line.trim()).filter((line) => line !== "");
  return (full.findLast((line) => saysError.test(line)) ?? full.at(-1))?.slice(0, longestLine);
}
