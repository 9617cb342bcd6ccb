import { z } from "zod";
import { defineResource } from "../model/define-resource.ts";
import { bool, datetime, entity, identifier, integer, structured, text } from "../model/field-kinds.ts";
import { columnOf } from "../model/table-beside.ts";
import { buildIds, buildPaths, stepPaths } from "./build-paths.ts";

const url = entity("Url", { name: text, url: text });

/** Of a step that no config names. */
const additions = { name: "mm_added_steps", key: "stepid" };
const addition = z.strictObject({ step: z.string(), options: z.json() });

/** One step of a build. */
export const steps = defineResource({
  name: "step",
  plural: "steps",
  rights: { isNamed: true, needs: ["builds"] },
  id: "stepid",
  from: "steps st",
  fields: {
    stepid: { schema: integer, sql: "st.id" },
    number: { schema: integer, sql: "st.number" },
    name: { schema: identifier(50), sql: "st.name" },
    buildid: { schema: integer, sql: "st.buildid" },
    started_at: { schema: datetime.nullable(), sql: "st.started_at" },
    locks_acquired_at: { schema: datetime.nullable(), sql: "st.locks_acquired_at" },
    complete: { schema: bool, sql: "st.complete_at is not null", whenFalse: "st.complete_at is null" },
    complete_at: { schema: datetime.nullable(), sql: "st.complete_at" },
    results: { schema: integer.nullable(), sql: "st.results" },
    state_string: { schema: text, sql: "st.state_string" },
    urls: { schema: url.array(), sql: "st.urls_json", read: parseUrls },
    hidden: { schema: bool, sql: "st.hidden <> 0" },
    /** The step that added it; null: it is one of the builder's. */
    added_by: { schema: integer.nullable(), ...columnOf(additions, "added_by") },
    /** `next` or `end`: it runs after that one; `together`: as a part of it; `announced`: that one's output says what it does. */
    added_as: { schema: identifier(16).nullable(), ...columnOf(additions, "kind") },
    /** What was added: the step and its options, with functions by their source text. */
    addition: {
      schema: structured(addition).nullable(),
      isDetail: true,
      ...columnOf(additions, "addition"),
      read: (value) => (value === null ? null : addition.parse(JSON.parse(String(value)))),
    },
  },
  order: ["number", "stepid"],
  paths: [
    { pattern: "steps/n:stepid", kind: "single", where: "st.id = :stepid" },
    ...buildPaths.flatMap(
      ({ prefix, build }) =>
        [
          { pattern: `${prefix}/steps`, kind: "collection", where: `st.buildid = ${buildIds(build)}` },
          ...stepPaths.map(
            ({ suffix, step }) =>
              ({
                pattern: `${prefix}/${suffix}`,
                kind: "single",
                where: `st.buildid = ${buildIds(build)} and ${step}`,
              }) as const,
          ),
        ] as const,
    ),
  ],
  events: {
    names: {
      new: "Pages of the build show it; without it, at their next read.",
      started: "Pages of the build show it; without it, at their next read.",
      updated: "Pages show its state and its links; without it, at their next read.",
      finished: "Pages and `master start` show how it ended; without it, at their next read.",
    },
    topics: ["builds/:buildid/steps/:stepid", "steps/:stepid"],
  },
});

export type Step = z.output<typeof steps.schema>;

function parseUrls(value: unknown): { name: string; url: string }[] {
  try {
    return JSON.parse(String(value)) as { name: string; url: string }[];
  } catch {
    return [];
  }
}
