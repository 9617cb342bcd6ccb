import type { z } from "zod";
import { defineResource } from "../../define-resource.ts";
import { integer, text } from "../../field-kinds.ts";
import { hasFailed, isWhole, recentBuilds } from "./test-rows.ts";

/** One change is a test that broke, or was repaired; the second says that nobody knows how it will end. */
const fewestTurns = 2;

/**
 * Only what has failed of late can be flaky, and an index has those: first each builder's recent sets, then
 * the tests that failed since, then every run of theirs since.
 */
const flaky = `
  with recent as materialized (
    select bu.id as builderid, coalesce((select b.id from builds b where b.builderid = bu.id
      order by b.id desc limit 1 offset ${recentBuilds - 1}), 0) as first_build from builders bu),
  sets as materialized (
    select s.id, s.builderid, min(s.id) over (partition by s.builderid) as first_set from recent
      join test_result_sets s on s.builderid = recent.builderid and s.buildid >= recent.first_build and ${isWhole("s")}),
  suspects as materialized (
    select distinct r.test_nameid as testid, sets.builderid, sets.first_set from sets
      join test_results r on r.test_result_setid = sets.id and ${hasFailed("r")}
     where r.test_nameid is not null),
  runs as (
    select suspects.builderid, suspects.testid, r.id, r.test_result_setid as setid,
           case when ${hasFailed("r")} then 1 else 0 end as failed
      from suspects join test_results r
        on r.test_nameid = suspects.testid and r.test_result_setid >= suspects.first_set and r.value <> 'skip'),
  turned as (
    select runs.*, lag(failed) over (partition by builderid, testid order by setid, id) as was_failed from runs)
  select builderid, testid, count(*) as runs, sum(failed) as failures,
         sum(case when was_failed <> failed then 1 else 0 end) as turns
    from turned group by builderid, testid
  having sum(case when was_failed <> failed then 1 else 0 end) >= ${fewestTurns}`;

/** Tests that failed and passed by turns in a builder's recent builds. */
export const flakyTests = defineResource({
  name: "flaky_test",
  plural: "flaky_tests",
  id: "testid",
  from: `(${flaky}) ft join builders bu on bu.id = ft.builderid join test_names tn on tn.id = ft.testid`,
  fields: {
    testid: { schema: integer, sql: "ft.testid" },
    builderid: { schema: integer, sql: "ft.builderid" },
    builder: { schema: text, sql: "bu.name" },
    name: { schema: text, sql: "tn.name" },
    /** How often it was run of late, and failed, and ended otherwise than the time before. */
    runs: { schema: integer, sql: "ft.runs" },
    failures: { schema: integer, sql: "ft.failures" },
    turns: { schema: integer, sql: "ft.turns" },
  },
  order: ["testid"],
  paths: [
    { pattern: "tests/flaky", kind: "collection" },
    { pattern: "builders/n:builderid/tests/flaky", kind: "collection", where: "ft.builderid = :builderid" },
  ],
});

export type FlakyTest = z.output<typeof flakyTests.schema>;
