import type { z } from "zod";
import { defineResource, type ReadContext } from "../../model/define-resource.ts";
import { bool, datetime, integer, text } from "../../model/field-kinds.ts";
import { equals } from "../../model/query.ts";
import { findItems } from "../../read/read-items.ts";
import { readBuildProperties } from "../build-properties.ts";
import { readNewestSets, readSlowest } from "./newest-sets.ts";
import { durationOf, hasFailed, isWhole, outcomeOf } from "./test-rows.ts";

/** Most entries of the lists of current tests. */
const mostFailing = 1000;
const mostSlow = 100;

/** The outcome of one test in one build, with the facts about both that pages show. */
export const testRuns = defineResource({
  name: "test_run",
  plural: "test_runs",
  rights: { needs: ["tests"] },
  id: "test_resultid",
  from: `test_results tr join test_result_sets ts on ts.id = tr.test_result_setid
    join builds b on b.id = ts.buildid
    join builders bu on bu.id = ts.builderid
    left join steps st on st.id = ts.stepid
    left join test_names tn on tn.id = tr.test_nameid
    left join test_code_paths tp on tp.id = tr.test_code_pathid`,
  fields: {
    test_resultid: { schema: integer, sql: "tr.id" },
    test_result_setid: { schema: integer, sql: "tr.test_result_setid" },
    testid: { schema: integer.nullable(), sql: "tr.test_nameid" },
    name: { schema: text.nullable(), sql: "tn.name" },
    code_path: { schema: text.nullable(), sql: "tp.path" },
    line: { schema: integer.nullable(), sql: "tr.line" },
    /** pass, fail, error or skip. */
    outcome: { schema: text, sql: outcomeOf("tr") },
    failed: { schema: bool, sql: hasFailed("tr") },
    duration_ns: { schema: integer.nullable(), ...durationOf("tr") },
    builderid: { schema: integer, sql: "ts.builderid" },
    builder: { schema: text, sql: "bu.name" },
    buildid: { schema: integer, sql: "ts.buildid" },
    number: { schema: integer, sql: "b.number" },
    started_at: { schema: datetime, sql: "b.started_at" },
    step_number: { schema: integer.nullable(), sql: "st.number" },
    /** What the build had checked out, as far as it says so. */
    revision: { schema: text.nullable(), sql: "ts.buildid", load: loadRevisions, empty: null },
  },
  order: ["test_result_setid", "test_resultid"],
  paths: [
    { pattern: "tests/failing", kind: "collection", rows: listFailing },
    { pattern: "tests/slowest", kind: "collection", rows: listSlowest },
    { pattern: "builders/n:builderid/tests/failing", kind: "collection", rows: listFailing },
    { pattern: "builders/n:builderid/tests/slowest", kind: "collection", rows: listSlowest },
    {
      pattern: "builds/n:buildid/tests",
      kind: "collection",
      where: "ts.buildid = :buildid and ts.category = 'pass_fail'",
    },
    { pattern: "tests/n:testid/runs", kind: "collection", where: `tr.test_nameid = :testid and ${isWhole("ts")}` },
  ],
});

export type TestRun = z.output<typeof testRuns.schema>;

/** Failures of the newest build of each builder, in the order of their names. */
async function listFailing({ connection, params, filters }: ReadContext): Promise<readonly object[]> {
  const sets = await readNewestSets(connection, params["builderid"] as number | undefined);
  const found = await findItems(testRuns, connection, {
    filters: [equals("test_result_setid", ...sets), equals("failed", true), ...filters],
    order: ["builder", "name"],
    limit: mostFailing,
  });
  return found?.rows ?? [];
}

/** The slowest tests of the newest build of each builder, slowest first. */
async function listSlowest({ connection, params }: ReadContext): Promise<readonly object[]> {
  const sets = await readNewestSets(connection, params["builderid"] as number | undefined);
  const ids = await readSlowest(connection, sets, mostSlow);
  const found = await findItems(testRuns, connection, {
    filters: [equals("test_resultid", ...ids)],
    order: ["-duration_ns"],
  });
  return found?.rows ?? [];
}

async function loadRevisions(
  { connection }: ReadContext,
  buildids: readonly number[],
): Promise<Map<number, string | null>> {
  const found = await readBuildProperties({ connection, properties: ["got_revision"] }, buildids);
  return new Map([...found].map(([buildid, { got_revision: got }]) => [buildid, revisionIn(got?.[0])]));
}

/** Of a build with several codebases, all of them. */
function revisionIn(value: unknown): string | null {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) return null;
  return Object.values(value).join(" ") || null;
}
