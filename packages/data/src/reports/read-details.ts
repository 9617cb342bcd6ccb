import { type Connection, queryRows } from "@multimaster/database";
import { groupValues } from "../read/group-values.ts";
import { readLines, stripPrefixes } from "../read/log-text/read-lines.ts";
import { stripEscapes } from "../read/log-text/strip-escapes.ts";
import { findItems } from "../read/read-items.ts";
import { changes } from "../resources/changes.ts";
import { logs } from "../resources/logs.ts";
import { steps } from "../resources/steps.ts";
import { hasFailed } from "../resources/tests/test-rows.ts";
import type { BuildDetails, ReportedChange, ReportedStep, ReportedTest } from "./reported.ts";

/** More of them make no message better. */
const most = { steps: 200, logs: 1000, changes: 100, tests: 50 };

/** Reads what templates may show of a build: bounded, however large it is. */
export async function readBuildDetails(connection: Connection, buildid: number): Promise<BuildDetails> {
  const [ofSteps, ofChanges, failingTests] = await Promise.all([
    readSteps(connection, buildid),
    readChanges(connection, buildid),
    readFailingTests(connection, buildid),
  ]);
  return { steps: ofSteps, changes: ofChanges, failingTests };
}

async function readSteps(connection: Connection, buildid: number): Promise<ReportedStep[]> {
  const found = await findItems(steps, connection, {
    filters: [{ field: "buildid", operator: "eq", values: [buildid] }],
    order: ["number"],
    limit: most.steps,
    countTo: 0,
  });
  const rows = found?.rows ?? [];
  const ofSteps = await findItems(logs, connection, {
    filters: [{ field: "stepid", operator: "in", values: rows.map(({ stepid }) => stepid) }],
    order: ["logid"],
    limit: rows.length === 0 ? 0 : most.logs,
    countTo: 0,
  });
  const byStep = groupValues(
    (ofSteps?.rows ?? []).map(
      ({ stepid, logid, name, slug, num_lines }) => [stepid, { logid, name, slug, lines: num_lines }] as const,
    ),
  );
  return rows.map(({ stepid, number, name, results, state_string, started_at, complete_at, urls }) => ({
    stepid,
    number,
    name,
    results: results as ReportedStep["results"],
    state: state_string,
    startedAt: started_at,
    completeAt: complete_at,
    urls,
    logs: byStep.get(stepid) ?? [],
  }));
}

/** The changes of a build, newest first. */
export async function readChanges(connection: Connection, buildid: number): Promise<ReportedChange[]> {
  const path = changes.paths.find(({ pattern }) => pattern === "builds/n:buildid/changes");
  if (!path) throw new TypeError("changes have no path of a build");
  const found = await findItems(
    changes,
    connection,
    { order: ["-changeid"], limit: most.changes, countTo: 0 },
    { path, params: { buildid } },
  );
  return (found?.rows ?? []).map(({ changeid, author, revision, comments, revlink, files }) => ({
    changeid,
    author,
    revision,
    comments,
    link: revlink,
    files,
  }));
}

function readFailingTests(connection: Connection, buildid: number): Promise<ReportedTest[]> {
  return queryRows<ReportedTest>(
    connection,
    `select tn.name, tp.path, tr.line, tr.value from test_result_sets ts join test_results tr on tr.test_result_setid = ts.id
      left join test_names tn on tn.id = tr.test_nameid left join test_code_paths tp on tp.id = tr.test_code_pathid
      where ts.buildid = ? and ts.category = 'pass_fail' and ts.tests_failed > 0 and ${hasFailed("tr")}
      order by tr.id limit ${most.tests}`,
    [buildid],
  );
}

/** Bytes that the tail of one log has at most. */
const longestTail = 256 * 1024;

/** The last lines of a log, without the letters of their streams and the escape codes of terminals. */
export async function readLogTail(connection: Connection, logid: number, lines: number): Promise<string> {
  const [row] = await queryRows<{ type: string; num_lines: number }>(
    connection,
    "select type, num_lines from logs where id = ?",
    [logid],
  );
  if (!row) return "";
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of readLines(connection, { logid, type: row.type }, Math.max(0, row.num_lines - lines))) {
    pieces.push(piece);
    length += piece.length;
    if (length > longestTail * 4) break;
  }
  const text = Buffer.concat(pieces);
  const shown = row.type === "s" ? stripPrefixes(text) : text;
  return stripEscapes(shown.subarray(-longestTail).toString("utf8"));
}
