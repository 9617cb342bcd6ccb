import type { z } from "zod";
import { defineResource, plainFields, type ReadContext } from "../../model/define-resource.ts";
import { integer, text } from "../../model/field-kinds.ts";
import { loadItems } from "../../read/read-items.ts";
import { readFlaky } from "./flaky-rows.ts";
import { tests } from "./tests.ts";

const shape = {
  testid: integer,
  builderid: integer,
  builder: text,
  name: text,
  /** Its recent runs, its failures among them, and how often the outcome differed from the one before. */
  runs: integer,
  failures: integer,
  turns: integer,
  /** How it ended, oldest first: pass, fail or error. */
  outcomes: text.array(),
};

export type FlakyTest = z.output<z.ZodObject<typeof shape>>;

/** Tests that failed and passed by turns in a builder's recent builds, those that turned most often first. */
export const flakyTests = defineResource({
  name: "flaky_test",
  plural: "flaky_tests",
  rights: { needs: ["tests"] },
  id: "testid",
  fields: plainFields(shape),
  paths: [
    { pattern: "tests/flaky", kind: "collection", rows: listFlaky },
    { pattern: "builders/n:builderid/tests/flaky", kind: "collection", rows: listFlaky },
  ],
});

async function listFlaky(context: ReadContext): Promise<FlakyTest[]> {
  const builderid = context.params["builderid"] as number | undefined;
  const rows = await readFlaky(context.connection, builderid);
  const named = await loadItems(
    tests,
    context,
    rows.map(({ testid }) => testid),
  );
  return rows
    .sort((a, b) => b.turns - a.turns || a.testid - b.testid)
    .flatMap(({ testid, outcomes, turns }) => {
      const test = named.get(testid);
      const failures = outcomes.filter((outcome) => outcome !== "pass").length;
      return test ? [{ ...test, runs: outcomes.length, failures, turns, outcomes }] : [];
    });
}
