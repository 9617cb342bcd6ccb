import type { z } from "zod";
import { defineResource } from "../model/define-resource.ts";
import { bool, integer, text } from "../model/field-kinds.ts";

/** What a step reported of tests, as one group. */
export const testResultSets = defineResource({
  name: "test_result_set",
  plural: "test_result_sets",
  rights: { isNamed: true, needs: ["builds"] },
  id: "test_result_setid",
  from: "test_result_sets ts",
  fields: {
    test_result_setid: { schema: integer, sql: "ts.id" },
    builderid: { schema: integer, sql: "ts.builderid" },
    buildid: { schema: integer, sql: "ts.buildid" },
    stepid: { schema: integer, sql: "ts.stepid" },
    description: { schema: text.nullable(), sql: "ts.description" },
    category: { schema: text, sql: "ts.category" },
    value_unit: { schema: text, sql: "ts.value_unit" },
    tests_passed: { schema: integer.nullable(), sql: "ts.tests_passed" },
    tests_failed: { schema: integer.nullable(), sql: "ts.tests_failed" },
    complete: { schema: bool, sql: "ts.complete <> 0" },
  },
  paths: [
    { pattern: "test_result_sets", kind: "collection" },
    { pattern: "test_result_sets/n:test_result_setid", kind: "single", where: "ts.id = :test_result_setid" },
    { pattern: "builders/n:builderid/test_result_sets", kind: "collection", where: "ts.builderid = :builderid" },
    {
      pattern: "builders/s:buildername/test_result_sets",
      kind: "collection",
      where: "ts.builderid in (select id from builders where name_hash = :sha1(buildername))",
    },
    { pattern: "builds/n:buildid/test_result_sets", kind: "collection", where: "ts.buildid = :buildid" },
    { pattern: "steps/n:stepid/test_result_sets", kind: "collection", where: "ts.stepid = :stepid" },
    {
      pattern: "codebases/n:codebaseid/commit_range/n:commitid1/n:commitid2/test_result_sets",
      kind: "collection",
      // Of the builds of every commit after the first, up to the second.
      where: `ts.buildid in (
        with recursive line(id, parent, revision, depth) as (
          select id, parent_commitid, revision, 0 from codebase_commits where id = :commitid2 and codebaseid = :codebaseid
          union all
          select c.id, c.parent_commitid, c.revision, line.depth + 1 from codebase_commits c
            join line on c.id = line.parent where line.depth < 100 and c.id <> :commitid1)
        select b.id from line join sourcestamps ss on ss.revision = line.revision
          join codebases cb on cb.id = :codebaseid and cb.name = ss.codebase
          join buildset_sourcestamps bss on bss.sourcestampid = ss.id
          join buildrequests br on br.buildsetid = bss.buildsetid
          join builds b on b.buildrequestid = br.id)`,
    },
  ],
  events: {
    names: {
      new: "Pages show it; without it, at their next read.",
      completed: "Pages show its tests; without it, at their next read.",
    },
    topics: ["test_result_sets/:test_result_setid"],
  },
});

export type TestResultSet = z.output<typeof testResultSets.schema>;
