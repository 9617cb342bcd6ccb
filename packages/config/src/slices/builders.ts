import { duration } from "@multimaster/core";
import { z } from "zod";
import { approvalOption, warningsOfApproval } from "../approval.ts";
import { collapseOption } from "../collapsing.ts";
import type { ConfigWarning } from "../config-warning.ts";
import { listSteps } from "../list-steps.ts";
import { warningsOfLocks } from "../lock-warnings.ts";
import { lockUses } from "../locks.ts";
import { plainName } from "../plain-name.ts";
import { descriptorOf } from "../plugin.ts";
import { warningsOfPlugin } from "../plugin-warnings.ts";
import { renderable } from "../renderable.ts";
import { warningsOfSecrets } from "../secret-names.ts";
import { builderStartShape } from "../start-rules.ts";
import { warningsOfStartRules } from "../start-warnings.ts";

/** One builder: the workers that may run it, and its steps. */
export const builderConfig = z.strictObject({
  // As much of a name as the database stores.
  name: plainName(1000).describe("Unique in the cluster."),
  description: z.string().nullable().default(null).describe("Shown on the builder's page."),
  tags: z.array(z.string()).default([]).describe("Labels by which pages and clients select builders."),
  project: z.string().max(70).nullable().default(null).describe("Groups builders in the UI."),
  workers: z.array(z.string()).min(1).describe("Names of the workers that may run it."),
  builddir: z
    .string()
    .optional()
    .describe("Directory below the worker's base directory; the builder's name by default."),
  env: z.record(z.string(), renderable(z.string().nullable())).default({}).describe("Environment of every command."),
  properties: z
    .record(z.string(), z.json())
    .default({})
    .describe("Properties of every build, with the source Builder."),
  secretsForForks: z
    .union([z.boolean(), z.array(z.string())])
    .default(false)
    .describe(
      "Secrets that builds of a fork's code may use: all, or these. Anyone who opens a pull request can read them.",
    ),
  approval: approvalOption
    .default(null)
    .describe(
      "Builds that begin only after a user has approved them; null: none. The right is `approve` on `buildrequests`. See untrusted.md.",
    ),
  directoryForForks: z
    .boolean()
    .default(true)
    .describe(
      "Whether builds of a fork's code work in a directory of their own, so that later builds find nothing of what they leave.",
    ),
  maxBuilds: z
    .int()
    .positive()
    .optional()
    .describe("Maximum number of its builds that run on one engine at the same time; unlimited by default."),
  locks: renderable(lockUses)
    .default([])
    .describe("Locks that a build has from its beginning to its end; its request waits for them without a worker."),
  collapseRequests: collapseOption
    .optional()
    .describe(
      "Whether compatible pending requests collapse into the newest one, or a function of { newer, older, isCompatible } that decides for each pair; absent: as the cluster's option says.",
    ),
  ...builderStartShape,
  maxEngineDeaths: z
    .int()
    .positive()
    .nullable()
    .default(3)
    .describe(
      "How many engines may die while they build a request before that request ends as EXCEPTION; null: no limit.",
    ),
  maxWorkerLosses: z
    .int()
    .positive()
    .nullable()
    .default(10)
    .describe(
      "The same for the connection to the worker, the worker itself, or a master that is stopped immediately (by a second signal or a drain's deadline) while it builds.",
    ),
  maxTime: duration
    .nullable()
    .prefault("1d")
    .describe(
      "A build that has run this long is stopped and fails, not counting the time in which a step waits for locks; null: never.",
    ),
  logMaxSize: z
    .int()
    .positive()
    .nullable()
    .default(100 * 1024 * 1024)
    .describe("Bytes of a log that are kept from its beginning; null: all. The rest is dropped, and the log says so."),
  logMaxTailSize: z
    .int()
    .nonnegative()
    .max(16 * 1024 * 1024)
    .default(1024 * 1024)
    .describe("Bytes that are kept from the end of a log that is larger than logMaxSize."),
  maxLogs: z.int().positive().max(10_000).default(100).describe("Logs of one step; further ones are dropped."),
  steps: z.array(descriptorOf("step")).min(1).describe("The steps, run in order."),
});

/** A builder set: the builders that one team's engines run. */
export const buildersSlice = z
  .strictObject({
    secrets: z
      .record(
        z.string().regex(/^[\w-]+$/, "the name of a secret has letters, digits, '_' and '-' only"),
        z
          .string("must be text; is its environment variable set?")
          .refine(
            (value) => value.replace(/[\r\n]/g, "").length >= 4,
            "is too short to be masked (it needs at least 4 characters)",
          ),
      )
      .default({})
      .describe('Values that steps use by secret("NAME"); logs, states and properties show <NAME> instead.'),
    secretProviders: z
      .array(descriptorOf("secret-provider"))
      .default([])
      .describe("Places from which further secrets are fetched when a step needs them."),
    builders: z.array(builderConfig).min(1).describe("The builders of this set."),
  })
  .superRefine(({ secrets, secretProviders }, ctx) => {
    const known = new Set(Object.keys(secrets));
    for (const [i, { plugin, options }] of secretProviders.entries())
      for (const name of plugin.namesOf(options)) {
        if (known.has(name))
          ctx.addIssue({ code: "custom", path: ["secretProviders", i], message: `there is another secret "${name}"` });
        known.add(name);
      }
  });

export type BuilderConfig = z.output<typeof builderConfig>;
export type BuildersSlice = z.output<typeof buildersSlice>;
export type BuildersSliceInput = Omit<z.input<typeof buildersSlice>, "secrets"> & {
  /** `env()` may return undefined: that is an error when the config is loaded. */
  secrets?: Readonly<Record<string, string | undefined>>;
};

/** Adds types to a builder set of a config. */
export function defineBuilders(slice: BuildersSliceInput): BuildersSliceInput {
  return slice;
}

/** Risks in a builder set. */
export function warningsOfBuilders(slice: BuildersSlice): ConfigWarning[] {
  const { builders, secretProviders } = slice;
  return [
    ...secretProviders.flatMap((provider, i) => warningsOfPlugin(provider, ["secretProviders", i])),
    ...warningsOfSecrets(slice),
    ...builders.flatMap(warningsOfBuilder),
  ];
}

function warningsOfBuilder(builder: BuilderConfig, i: number): ConfigWarning[] {
  return [
    ...listSteps(builder).flatMap(({ path, step }) => warningsOfPlugin(step, ["builders", i, ...path])),
    ...warningsOfLocks(builder, i),
    ...warningsOfStartRules(builder, i),
    ...warningsOfApproval(builder, i),
  ];
}
