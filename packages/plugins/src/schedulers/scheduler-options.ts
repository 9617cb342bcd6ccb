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

/** What every scheduler that makes buildsets by itself may be told. */
export const commonShape = {
  name: z.string().min(1).max(128).describe("Unique in the cluster."),
  builders: z.array(z.string().min(1)).min(1).describe("Names of the builders that build it."),
  properties: z
    .record(z.string(), z.json())
    .default({})
    .describe("Properties of its builds, with the source Scheduler."),
  priority: z.int32().default(0).describe("Higher is built first."),
  reason: z.string().optional().describe("Why it was built, as people read it."),
};

/** Options of the schedulers that follow changes. */
export const changeShape = {
  ...commonShape,
  changeFilter: changeFilter
    .optional()
    .describe("Which changes concern it, by branch, repository, project and more; absent: all."),
  treeStableTimer: duration
    .optional()
    .describe("Builds when this long nothing came; absent: each important change by itself."),
  treeStableMaxWait: duration
    .optional()
    .describe(
      "Beside treeStableTimer: builds at the latest this long after the first important change came, though others follow; absent: there is no longest wait.",
    ),
  fileIsImportant: z
    .custom<(change: Change) => boolean>((value) => typeof value === "function", {
      message: "must be a function of the change",
    })
    .optional()
    .describe("False for a change that is only built along with others."),
  onlyImportant: z.boolean().default(false).describe("Unimportant changes are not looked at."),
  codebases: codebases.describe(
    "Builds get a source stamp for each, and changes of others are not looked at; absent: those of the changes.",
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

/** A longest wait bounds a timer: alone it would do nothing. */
export function hasTimerForLimit({ treeStableTimer, treeStableMaxWait }: ChangeOptions): boolean {
  return treeStableMaxWait === undefined || treeStableTimer !== undefined;
}

export const limitWithoutTimer = {
  path: ["treeStableMaxWait"],
  message: 'needs "treeStableTimer" beside it: without one each important change is built by itself, without a wait',
};
