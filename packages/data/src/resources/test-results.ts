import { defineResource } from "../model/define-resource.ts";
import { integer, text } from "../model/field-kinds.ts";
import { durationOf } from "./tests/test-rows.ts";

/** The outcome of one test. */
export const testResults = defineResource({
  name: "test_result",
  plural: "test_results",
  rights: { needs: ["test_result_sets"] },
  id: "test_resultid",
  from: `test_results tr left join test_names tn on tn.id = tr.test_nameid
    left join test_code_paths tp on tp.id = tr.test_code_pathid`,
  fields: {
    test_resultid: { schema: integer, sql: "tr.id" },
    builderid: { schema: integer, sql: "tr.builderid" },
    test_result_setid: { schema: integer, sql: "tr.test_result_setid" },
    test_name: { schema: text.nullable(), sql: "tn.name" },
    test_code_path: { schema: text.nullable(), sql: "tp.path" },
    line: { schema: integer.nullable(), sql: "tr.line" },
    duration_ns: { schema: integer.nullable(), ...durationOf("tr") },
    value: { schema: text, sql: "tr.value" },
  },
  paths: [
    {
      pattern: "test_result_sets/n:test_result_setid/results",
      kind: "collection",
      where: "tr.test_result_setid = :test_result_setid",
    },
  ],
});
