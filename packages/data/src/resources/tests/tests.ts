import type { z } from "zod";
import { defineResource } from "../../model/define-resource.ts";
import { integer, text } from "../../model/field-kinds.ts";

/** A test that a builder has run at some time. */
export const tests = defineResource({
  name: "test",
  plural: "tests",
  rights: { needs: ["test_result_sets", "builders"] },
  id: "testid",
  from: "test_names tn join builders bu on bu.id = tn.builderid",
  fields: {
    testid: { schema: integer, sql: "tn.id" },
    builderid: { schema: integer, sql: "tn.builderid" },
    builder: { schema: text, sql: "bu.name" },
    name: { schema: text, sql: "tn.name" },
  },
  paths: [{ pattern: "tests/n:testid", kind: "single", where: "tn.id = :testid" }],
});

export type Test = z.output<typeof tests.schema>;
