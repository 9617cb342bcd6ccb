import type { ConfigWarning } from "@multimaster/config";
import { duration, type Json, type SourcedProperties } from "@multimaster/core";
import type { Change } from "@multimaster/data";
import { z } from "zod";
import type { PlannedBuildset } from "../define-scheduler.ts";
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

const properties = z.record(z.string(), z.json());
const propertiesText = "Properties of its builds, with the source Scheduler";
const priority = z.int32();
const priorityText = "Requests with a higher priority are built first";

/** Options of every scheduler. */
export const commonShape = {
  name: z.string().min(1).max(128).describe("Unique in the cluster."),
  builders: z.array(z.string().min(1)).min(1).describe("Names of the builders that build it."),
  properties: properties.default({}).describe(`${propertiesText}.`),
  priority: priority.default(0).describe(`${priorityText}.`),
  reason: z.string().optional().describe("Reason shown with the builds."),
};

/** A function that chooses something for each buildset; `value` names what may be written in its place. */
function chooser<T>(value: string) {
  return z.custom<(planned: PlannedBuildset) => T | Promise<T>>((given) => typeof given === "function", {
    message: `must be ${value}, or a function of the planned buildset`,
  });
}

/** The same, of the schedulers that create buildsets by themselves: functions choose for each buildset. */
export const choosingShape = {
  ...commonShape,
  builders: z
    .union([z.array(z.string().min(1)).min(1), chooser<readonly string[]>("names of builders")])
    .describe(
      "Names of the builders that build it, or a function of the planned buildset that returns them; of none: it is not built.",
    ),
  properties: z
    .union([properties, chooser<Readonly<Record<string, Json>>>("properties by name")])
    .default({})
    .describe(`${propertiesText}; or a function of the planned buildset.`),
  priority: z
    .union([priority, chooser<number>("a whole number")])
    .default(0)
    .describe(`${priorityText}; or a function of the planned buildset.`),
};

const choosingOptions = z.strictObject(choosingShape);
export type ChoosingOptions = Pick<z.output<typeof choosingOptions>, "builders" | "properties" | "priority">;

/** The builders that a config names, for its check: those that a function chooses are checked when it has chosen. */
export function namedBuilders({ builders }: Pick<ChoosingOptions, "builders">): readonly string[] {
  return typeof builders === "function" ? [] : builders;
}

/** Which changes a scheduler follows, and which of them matter. */
export const classifyingShape = {
  changeFilter: changeFilter
    .optional()
    .describe("Changes that it follows, by branch, repository, project and more; absent: all."),
  fileIsImportant: z
    .custom<(change: Change) => boolean>((value) => typeof value === "function", {
      message: "must be a function of the change",
    })
    .optional()
    .describe("Returns false for a change that is built only together with others."),
  onlyImportant: z.boolean().default(false).describe("Ignores unimportant changes."),
};

/** Options of the schedulers that follow changes. */
export const changeShape = {
  ...choosingShape,
  ...classifyingShape,
  treeStableTimer: duration
    .optional()
    .describe("Builds once no change has arrived for this long; absent: builds each important change separately."),
  treeStableMaxWait: duration
    .optional()
    .describe(
      "With treeStableTimer: builds at the latest this long after the first important change, even if others follow; absent: no limit.",
    ),
  codebases: codebases.describe(
    "Builds get a source stamp for each, and changes of other codebases are ignored; absent: the codebases of the changes.",
  ),
};

const changeOptions = z.strictObject(changeShape);
export type ChangeOptions = z.output<typeof changeOptions>;
/** What decides about a single change. */
export type ClassifyingOptions = Pick<
  ChangeOptions,
  "changeFilter" | "fileIsImportant" | "onlyImportant" | "treeStableTimer" | "codebases"
>;

/** The properties of a scheduler's buildset. */
export function schedulerProperties(name: string, properties: Readonly<Record<string, Json>>): SourcedProperties {
  const own = Object.fromEntries(
    Object.entries(properties).map(([key, value]) => [key, [value, "Scheduler"] as const]),
  );
  return { scheduler: [name, "Scheduler"], ...own };
}

/** An arrow function, or a method or function, whose only expression is false, or an empty list, as far as its text shows. */
const neverTrue =
  /=>\s*(?:false|\{\s*return\s+false\s*;?\s*\})$|^(?:async\s+)?(?:function\s*)?\w*\s*\([^()]*\)\s*\{\s*return\s+false\s*;?\s*\}$/;
const neverSome =
  /=>\s*(?:\[\s*\]|\{\s*return\s+\[\s*\]\s*;?\s*\})$|^(?:async\s+)?(?:function\s*)?\w*\s*\([^()]*\)\s*\{\s*return\s+\[\s*\]\s*;?\s*\}$/;
const returnsOnly = (fn: unknown, text: RegExp) => typeof fn === "function" && text.test(fn.toString().trim());

/** A function of the planned buildset by which a scheduler never builds. */
export function warningsOfChoice({ builders }: { readonly builders: unknown }): ConfigWarning[] {
  if (!returnsOnly(builders, neverSome)) return [];
  return [
    { path: ["builders"], sentence: "chooses no builder: nothing is ever built; return the names of some builders" },
  ];
}

/** Functions with which a scheduler never acts, since they refuse every change. */
export function warningsOfChangeFunctions(
  {
    changeFilter = {},
    fileIsImportant,
  }: { readonly changeFilter?: object | undefined; readonly fileIsImportant?: unknown },
  what: string,
): ConfigWarning[] {
  const filters = Object.entries(changeFilter).filter(([, value]) => returnsOnly(value, neverTrue));
  const paths = filters.map(([name]) => ["changeFilter", name]);
  return [...paths, ...(returnsOnly(fileIsImportant, neverTrue) ? [["fileIsImportant"]] : [])].map((path) => ({
    path,
    sentence: `refuses every change: ${what}; return true for some of them`,
  }));
}

/** Adds a problem for a maximum wait without a timer, or one that leaves the timer no effect. */
export function checkTimers({ treeStableTimer, treeStableMaxWait }: ChangeOptions, ctx: z.RefinementCtx): void {
  if (treeStableMaxWait === undefined) return;
  const problem =
    treeStableTimer === undefined
      ? 'needs "treeStableTimer": without it each important change is built separately, without a wait'
      : treeStableMaxWait < treeStableTimer &&
        'must not be shorter than "treeStableTimer", which would then never count';
  if (problem) ctx.addIssue({ code: "custom", path: ["treeStableMaxWait"], message: problem });
}
