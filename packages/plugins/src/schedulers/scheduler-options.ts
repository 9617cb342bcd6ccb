import { duration, type Json, type SourcedProperties } from "@multimaster/core";
import type { Change } from "@multimaster/data";
import { z } from "zod";
import { changeFilter } from "./change-filter.ts";

const codebase = z.strictObject({
  repository: z.string().default(""),
  branch: z.string().nullable().default(null),
  revision: z.string().nullable().default(null),
  project: z.string().default(""),
});

/** Codebases by name, or only their names. */
export const codebases = z
  .union([
    z.array(z.string()).transform((names) => Object.fromEntries(names.map((name) => [name, codebase.parse({})]))),
    z.record(z.string(), codebase),
  ])
  .optional();

/** Options of every scheduler that creates buildsets by itself. */
export const commonShape = {
  name: z.string().min(1).max(128).describe("Unique in the cluster."),
  builders: z.array(z.string().min(1)).min(1).describe("Names of the builders that build it."),
  properties: z
    .record(z.string(), z.json())
    .default({})
    .describe("Properties of its builds, with the source Scheduler."),
  priority: z.int32().default(0).describe("Requests with a higher priority are built first."),
  reason: z.string().optional().describe("Reason shown with the builds."),
};

/** Options of the schedulers that follow changes. */
export const changeShape = {
  ...commonShape,
  changeFilter: changeFilter
    .optional()
    .describe("Changes that it follows, by branch, repository, project and more; absent: all."),
  treeStableTimer: duration
    .optional()
    .describe("Builds once no change has arrived for this long; absent: builds each important change separately."),
  treeStableMaxWait: duration
    .optional()
    .describe(
      "With treeStableTimer: builds at the latest this long after the first important change, even if others follow; absent: no limit.",
    ),
  fileIsImportant: z
    .custom<(change: Change) => boolean>((value) => typeof value === "function", {
      message: "must be a function of the change",
    })
    .optional()
    .describe("Returns false for a change that is built only together with others."),
  onlyImportant: z.boolean().default(false).describe("Ignores unimportant changes."),
  codebases: codebases.describe(
    "Builds get a source stamp for each, and changes of other codebases are ignored; absent: the codebases of the changes.",
  ),
};

const changeOptions = z.strictObject(changeShape);
export type ChangeOptions = z.output<typeof changeOptions>;

/** The properties of a scheduler's buildset. */
export function schedulerProperties(name: string, properties: Readonly<Record<string, Json>>): SourcedProperties {
  const own = Object.fromEntries(
    Object.entries(properties).map(([key, value]) => [key, [value, "Scheduler"] as const]),
  );
  return { scheduler: [name, "Scheduler"], ...own };
}

/** A maximum wait limits a timer: without one it would have no effect. */
export function hasTimerForLimit({ treeStableTimer, treeStableMaxWait }: ChangeOptions): boolean {
  return treeStableMaxWait === undefined || treeStableTimer !== undefined;
}

export const limitWithoutTimer = {
  path: ["treeStableMaxWait"],
  message: 'needs "treeStableTimer": without it each important change is built separately, without a wait',
};
