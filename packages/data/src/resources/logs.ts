import type { z } from "zod";
import { defineResource } from "../model/define-resource.ts";
import { bool, identifier, integer, text } from "../model/field-kinds.ts";
import { buildIds, buildPaths, stepPaths } from "./build-paths.ts";

/** Every way a path names the step of a log, with the condition on `logs l`. */
export const logPaths = [
  { prefix: "steps/n:stepid" as const, ofStep: "l.stepid = :stepid", byName: false },
  ...buildPaths.flatMap(({ prefix, build }) =>
    stepPaths.map(({ suffix, step }) => ({
      prefix: `${prefix}/${suffix}` as const,
      ofStep: `l.stepid in (select st.id from steps st where st.buildid = ${buildIds(build)} and ${step})`,
      byName: prefix.startsWith("builders/s:"),
    })),
  ),
];

/** A text that a step wrote. */
export const logs = defineResource({
  name: "log",
  plural: "logs",
  rights: { isNamed: true, needs: ["steps"] },
  id: "logid",
  from: "logs l",
  fields: {
    logid: { schema: integer, sql: "l.id" },
    name: { schema: text, sql: "l.name" },
    slug: { schema: identifier(50), sql: "l.slug" },
    stepid: { schema: integer, sql: "l.stepid" },
    complete: { schema: bool, sql: "l.complete <> 0" },
    num_lines: { schema: integer, sql: "l.num_lines" },
    /** s: lines of a command, with a prefix each; t: text; h: HTML; d: deleted. */
    type: { schema: identifier(1), sql: "l.type" },
  },
  order: ["logid"],
  paths: [
    { pattern: "logs/n:logid", kind: "single", where: "l.id = :logid" },
    ...logPaths.flatMap(
      ({ prefix, ofStep }) =>
        [
          { pattern: `${prefix}/logs`, kind: "collection", where: ofStep },
          { pattern: `${prefix}/logs/i:log_slug`, kind: "single", where: `${ofStep} and l.slug = :log_slug` },
        ] as const,
    ),
  ],
  events: {
    names: {
      new: "Pages of the build show it; without it, at their next read.",
      append: "Pages that follow the log read on from their last line; without it, at the next append.",
      finished: "Pages that follow the log read its last lines and stop; without it, at their next read.",
    },
    topics: ["logs/:logid", "steps/:stepid/logs/:slug"],
  },
});

export type Log = z.output<typeof logs.schema>;
