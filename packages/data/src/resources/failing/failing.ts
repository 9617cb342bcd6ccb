import { type Connection, queryRows, readSourcedBuilds } from "@multimaster/database";
import type { z } from "zod";
import { defineResource, type ReadContext } from "../../model/define-resource.ts";
import { bool, datetime, entity, integer, text } from "../../model/field-kinds.ts";
import { groupValues } from "../../read/group-values.ts";
import { hasFailed, isWhole } from "../tests/test-rows.ts";
import { rangesBetween, readChangesIn, type Suspects, suspects } from "./changes-between.ts";
import { isMuted, lineNotes, noNotes, readLineNotes } from "./line-notes.ts";

/** With the changes and tests of so many, a list has some hundred kilobytes. */
const mostInList = 200;
/** Of each line. */
const mostChanges = { collection: 10, single: 200 };
const mostSteps = 3;
const mostTests = 5;

const failedStep = entity("failed_step", { number: integer, name: text, state_string: text, results: integer });
const failedTests = entity("failed_tests", { total: integer, names: text.array() });

/** Builders that fail now, by branch: the build of the newest source failed. */
export const failing = defineResource({
  name: "failing",
  plural: "failing",
  rights: { needs: ["builders", "builds", "changes", "tests", "steps", "notes"] },
  id: "lineid",
  from: `mm_builder_lines l join builders bu on bu.id = l.builderid
    join builds nb on nb.id = l.newest_buildid
    left join builds fb on fb.id = l.first_bad_buildid
    left join builds lg on lg.id = l.last_good_buildid`,
  fields: {
    lineid: { schema: integer, sql: "l.lineid" },
    builderid: { schema: integer, sql: "l.builderid" },
    builder: { schema: text, sql: "bu.name" },
    /** Of the builder. */
    projectid: { schema: integer.nullable(), sql: "bu.projectid" },
    /** Null: the default branch, or several codebases with different ones. */
    branch: { schema: text.nullable(), sql: "l.branch" },
    /** The branch for people; of several codebases all of them. */
    source: { schema: text, sql: "l.source" },
    /** Builder and source in lower case, for searches. */
    words: { schema: text, sql: "lower(bu.name || ' ' || l.source)" },
    /** It is a main branch, such as `main` or `release/2`. */
    watched: { schema: bool, sql: "l.watched = 1" },
    /** Some live master has the builder. */
    configured: {
      schema: bool,
      sql: "exists (select 1 from builder_masters bm where bm.builderid = l.builderid)",
    },
    /** Failed builds since the last good one, up to 10,000. */
    count: { schema: integer, sql: "l.bad_count" },
    /** When the first of them ended. */
    since: { schema: datetime, sql: "l.failing_since" },
    /** Null: none is known. Without a number: it was deleted. */
    last_good_buildid: { schema: integer.nullable(), sql: "l.last_good_buildid" },
    last_good_number: { schema: integer.nullable(), sql: "lg.number" },
    last_good_at: { schema: datetime.nullable(), sql: "lg.complete_at" },
    first_bad_buildid: { schema: integer, sql: "coalesce(fb.id, nb.id)" },
    first_bad_number: { schema: integer, sql: "coalesce(fb.number, nb.number)" },
    /** The failed build of the newest source. */
    newest_buildid: { schema: integer, sql: "nb.id" },
    newest_number: { schema: integer, sql: "nb.number" },
    newest_at: { schema: datetime, sql: "nb.complete_at" },
    results: { schema: integer, sql: "nb.results" },
    state_string: { schema: text, sql: "nb.state_string" },
    /** A user has muted it: it is known, and asks for no attention until the mute ends. */
    muted: { schema: bool, sql: isMuted },
    /** What users say of it. */
    notes: {
      schema: lineNotes,
      sql: "l.lineid",
      load: ({ connection }, lineids) => readLineNotes(connection, lineids),
      empty: noNotes,
      mostInList,
    },
    /** What the first bad build has that the last good one did not have: one of these broke it. */
    suspects: {
      schema: suspects,
      sql: "l.lineid",
      load: loadSuspects,
      empty: { total: 0, changes: [] },
      mostInList,
    },
    /** Steps of the newest build that failed. */
    failed_steps: { schema: failedStep.array(), sql: "nb.id", load: loadFailedSteps, empty: [], mostInList },
    /** Tests of the newest build that failed. */
    failed_tests: {
      schema: failedTests,
      sql: "nb.id",
      load: loadFailedTests,
      empty: { total: 0, names: [] },
      mostInList,
    },
  },
  order: ["lineid"],
  paths: [
    { pattern: "failing", kind: "collection", where: "l.failing = 1" },
    { pattern: "failing/n:lineid", kind: "single", where: "l.failing = 1 and l.lineid = :lineid" },
    {
      pattern: "builders/n:builderid/failing",
      kind: "collection",
      where: "l.failing = 1 and l.builderid = :builderid",
    },
  ],
});

export type Failing = z.output<typeof failing.schema>;

async function loadSuspects(context: ReadContext, lineids: readonly number[]): Promise<Map<number, Suspects>> {
  const { connection, pathKind } = context;
  const wanted = connection.dialect.isOneOf("l.lineid", lineids);
  const lines = await queryRows<{ lineid: number; good: number | null; bad: number | null }>(
    connection,
    `select l.lineid, l.last_good_buildid as good, coalesce(l.first_bad_buildid, l.newest_buildid) as bad
       from mm_builder_lines l where ${wanted.sql}`,
    wanted.bindings,
  );
  const ids = [...new Set(lines.flatMap(({ good, bad }) => [good, bad].filter((id) => id !== null)))];
  const builds = new Map((await readSourcedBuilds(connection, ids)).map((build) => [build.buildid, build]));
  const most = mostChanges[pathKind === "single" ? "single" : "collection"];
  const found = new Map<number, Suspects>();
  for (const { lineid, good, bad } of lines) {
    const head = builds.get(bad ?? 0);
    if (head === undefined) continue;
    found.set(lineid, await readChangesIn(connection, rangesBetween(builds.get(good ?? 0), head), most));
  }
  return found;
}

async function loadFailedSteps({ connection }: ReadContext, buildids: readonly number[]) {
  const wanted = connection.dialect.isOneOf("s.buildid", buildids);
  const rows = await queryRows<{
    buildid: number;
    number: number;
    name: string;
    state_string: string;
    results: number;
  }>(
    connection,
    `select s.buildid, s.number, s.name, s.state_string, s.results from steps s
      where ${wanted.sql} and s.results in (2, 4) order by s.buildid, s.number`,
    wanted.bindings,
  );
  const grouped = groupValues(rows.map(({ buildid, ...step }) => [buildid, step] as const));
  return new Map([...grouped].map(([buildid, steps]) => [buildid, steps.slice(0, mostSteps)]));
}

async function loadFailedTests({ connection }: ReadContext, buildids: readonly number[]) {
  const found = new Map<number, { total: number; names: string[] }>();
  const sets = await readFailedSets(connection, buildids);
  for (const [buildid, own] of sets) {
    const total = own.reduce((sum, { failed }) => sum + failed, 0);
    if (total === 0) continue;
    const isIn = connection.dialect.isOneOf(
      "r.test_result_setid",
      own.map(({ id }) => id),
    );
    const rows = await queryRows<{ name: string }>(
      connection,
      `select n.name from test_results r join test_names n on n.id = r.test_nameid
        where ${isIn.sql} and ${hasFailed("r")} order by r.id limit ${mostTests}`,
      isIn.bindings,
    );
    found.set(buildid, { total, names: rows.map(({ name }) => name) });
  }
  return found;
}

async function readFailedSets(connection: Connection, buildids: readonly number[]) {
  const wanted = connection.dialect.isOneOf("s.buildid", buildids);
  const rows = await queryRows<{ id: number; buildid: number; failed: number | null }>(
    connection,
    `select s.id, s.buildid, s.tests_failed as failed from test_result_sets s where ${wanted.sql} and ${isWhole("s")}`,
    wanted.bindings,
  );
  return groupValues(rows.map(({ buildid, id, failed }) => [buildid, { id, failed: failed ?? 0 }] as const));
}
