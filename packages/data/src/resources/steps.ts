import type { z } from "zod";
import { defineResource } from "../model/define-resource.ts";
import { bool, datetime, entity, identifier, integer, text } from "../model/field-kinds.ts";
import { buildIds, buildPaths, stepPaths } from "./build-paths.ts";

const url = entity("Url", { name: text, url: text });

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
