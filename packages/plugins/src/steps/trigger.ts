import type { ConfigWarning } from "@multimaster/config";
import { type Json, Results, resultName, worstResult } from "@multimaster/core";
import { z } from "zod";
import { defineStep, type StepEnd } from "../define-step.ts";
import type { StepContext, TriggeredBuilds, TriggerRequest } from "../step-context.ts";
import { BadRendering } from "../step-errors.ts";
import { countResults } from "./trigger/count-results.ts";
import { findProblem, ItemRun } from "./trigger/run-items.ts";

/** The type of properties, so that the build's own can be passed on. */
const json = z.json() as unknown as z.ZodType<Json, Json>;

const stamp = z.strictObject({
  codebase: z.string().default("").describe("Name of the codebase."),
  branch: z.string().nullable().optional().describe("Absent: the scheduler's."),
  revision: z.string().nullable().optional().describe("Null: the newest."),
  repository: z.string().optional().describe("Absent: the scheduler's."),
  project: z.string().optional().describe("Absent: the scheduler's."),
});

const itemNames = {
  name: z.string().min(1).max(200).describe("Unique in the list."),
  after: z
    .array(z.string())
    .default([])
    .describe("Items that must succeed first; if one does not, this one is not built."),
};
const item = z.strictObject({
  name: itemNames.name,
  properties: z.record(z.string(), json).default({}).describe("Properties of its builds, beside setProperties."),
  after: itemNames.after,
});

const options = z.object({
  schedulerNames: z
    .array(z.string().min(1))
    .refine((names) => new Set(names).size === names.length, "names a scheduler twice")
    .describe("Triggerable schedulers."),
  waitForFinish: z.boolean().default(false).describe("Waits for the builds, and ends as the worst of them did."),
  updateSourceStamp: z
    .boolean()
    .default(true)
    .describe("The builds get the revision that this build has checked out, not the one requested."),
  alwaysUseLatest: z
    .boolean()
    .default(false)
    .describe("The builds do not get this build's source stamps, so they use the newest revisions."),
  sourceStamps: z
    .array(stamp)
    .refine((stamps) => new Set(stamps.map(({ codebase }) => codebase)).size === stamps.length, "has a codebase twice")
    .optional()
    .describe("What to build, in place of this build's source stamps."),
  setProperties: z.record(z.string(), json).default({}).describe("Properties of the builds, source Trigger."),
  copyProperties: z.array(z.string()).default([]).describe("Properties of this build that the builds get too."),
  items: z
    .array(item)
    .max(10_000)
    .optional()
    .describe("What is built, each with properties of its own. The step waits for all of them."),
  maxInFlight: z
    .int()
    .min(1)
    .max(10_000)
    .default(100)
    .describe("How many items are built or wait for a worker at the same time."),
  unimportantSchedulerNames: z
    .array(z.string())
    .default([])
    .describe("Schedulers of schedulerNames whose builds do not affect the result."),
  parentRelationship: z.string().default("Triggered from").describe("Relationship of the builds to this one."),
});

type TriggerOptions = z.output<typeof options>;

const namesIn = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((name) => typeof name === "string") : [];

/** Starts builds of other builders: `trigger({ schedulerNames: ["deploy"], waitForFinish: true })`. */
export default defineStep({
  type: "trigger",
  options,
  triggers: ({ schedulerNames }) => namesIn(schedulerNames),
  awaits: ({ schedulerNames, waitForFinish, items }) =>
    waitForFinish === true || items !== undefined ? namesIn(schedulerNames) : [],
  warnings: warningsOfItems,
  async run(ctx, options): Promise<StepEnd> {
    const { schedulerNames, waitForFinish: wait, unimportantSchedulerNames: unimportant } = options;
    const summary = `triggered ${schedulerNames.join(", ") || "nothing"}`;
    const [sourceStamps, properties] = [chooseSourceStamps(ctx, options), chooseProperties(ctx, options)];
    if (options.items !== undefined) {
      const problem = findProblem(options.items);
      if (problem !== undefined) throw new BadRendering(`The step's items are invalid for this build: ${problem}`);
      const { items, maxInFlight, parentRelationship: relationship } = options;
      const all = { items, schedulerNames, maxInFlight, relationship, sourceStamps, properties };
      return new ItemRun(ctx, all).run();
    }
    const triggered = await ctx.trigger(
      schedulerNames.map((scheduler) => ({ scheduler, sourceStamps, properties })),
      { wait, relationship: options.parentRelationship },
    );
    if (options.description === undefined) ctx.setState(summary);
    for (const { scheduler, requests } of triggered)
      for (const { buildrequestid, url } of requests) await ctx.addUrl(`${scheduler} #${buildrequestid}`, url);
    if (!wait) return { results: Results.SUCCESS, summary };
    const ends = await Promise.all(triggered.map((one) => waitFor(ctx, one)));
    const important = ends.filter((_, i) => !unimportant.includes(triggered[i]?.scheduler ?? ""));
    return {
      results: important.map(({ results }) => results).reduce(worstResult, Results.SUCCESS),
      summary: [summary, ...countResults(ends.map(({ results }) => results))].join(", "),
    };
  },
});

/** What is wrong with a list that is in the config as a value: it was checked one by one only. */
function warningsOfItems({ items, maxInFlight, waitForFinish }: Readonly<Record<string, unknown>>): ConfigWarning[] {
  if (items === undefined)
    return maxInFlight === undefined ? [] : [{ path: ["maxInFlight"], sentence: "has no effect without items" }];
  const waits = { path: ["waitForFinish"], sentence: "has no effect beside items: the step waits for all of them" };
  const written = z.array(z.looseObject(itemNames)).safeParse(items);
  const problem = written.success ? findProblem(written.data) : undefined;
  return [
    ...(waitForFinish === false ? [waits] : []),
    ...(problem === undefined ? [] : [{ path: ["items"], sentence: `${problem}: the step fails` }]),
  ];
}

async function waitFor(ctx: StepContext, triggered: TriggeredBuilds) {
  const end = await triggered.finished();
  for (const { builder, number, results, url } of end.builds)
    await ctx.addUrl(`${resultName(results)}: ${builder} #${number}`, url);
  return end;
}

function chooseSourceStamps(ctx: StepContext, options: TriggerOptions): TriggerRequest["sourceStamps"] {
  if (options.sourceStamps !== undefined)
    return Object.fromEntries(options.sourceStamps.map(({ codebase, ...fields }) => [codebase, present(fields)]));
  if (options.alwaysUseLatest) return {};
  const got = options.updateSourceStamp ? gotRevisions(ctx) : {};
  return Object.fromEntries(
    ctx.build.sources.map(({ ssid, codebase, patch, branch, revision, repository, project }) => {
      const newer = got[codebase];
      // An unchanged source stamp is passed by id: the builds then have its changes and its patch.
      const same = newer === undefined || newer === revision || patch !== null;
      return [codebase, same ? ssid : { branch, revision: newer, repository, project }];
    }),
  );
}

/** The revisions that the build has checked out, by codebase. */
function gotRevisions(ctx: StepContext): Readonly<Record<string, string>> {
  const got = ctx.properties.get("got_revision");
  if (typeof got === "string") return { "": got };
  if (typeof got !== "object" || got === null) return {};
  return Object.fromEntries(
    Object.entries(got).flatMap(([key, value]) => (typeof value === "string" ? [[key, value]] : [])),
  );
}

function chooseProperties(ctx: StepContext, options: TriggerOptions): Record<string, Json> {
  const copied = options.copyProperties.flatMap((name) => {
    const value = ctx.properties.get(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(copied), ...options.setProperties };
}

function present<T extends object>(fields: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
