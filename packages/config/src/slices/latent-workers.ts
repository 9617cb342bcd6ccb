import { duration, positiveDuration, weeklyHours } from "@multimaster/core";
import { z } from "zod";
import type { ConfigWarning } from "../config-warning.ts";
import type { PluginDescriptor } from "../plugin.ts";
import { type Accepts, functionOf } from "../start-rules.ts";
import type { WorkerConfig, WorkersSlice } from "./workers.ts";

/** The options that every latent worker has, of whatever kind. */
export const latentWorkerShape = {
  name: z
    .string()
    .max(40)
    .regex(/^[a-zA-Z_-][a-zA-Z0-9._-]*$/, "must be a letter, then letters, digits, '.', '_' or '-'")
    .describe("Its name, which builders use. Its instances attach as NAME-1, NAME-2, …."),
  maxInstances: z
    .int()
    .positive()
    .max(1000)
    .default(1)
    .describe("Maximum number of instances at the same time, in the whole cluster."),
  minInstances: z
    .int()
    .nonnegative()
    .default(0)
    .describe("Number of instances that are kept whether or not something waits for them."),
  parallelStarts: z
    .int()
    .positive()
    .default(5)
    .describe("Maximum number of instances that are starting at the same time."),
  startTimeout: positiveDuration
    .prefault("20m")
    .describe("An instance that has not attached after this time is ended; the next start waits."),
  retryAfter: positiveDuration
    .prefault("30s")
    .describe(
      "How long the next start waits after one that failed; twice as long after each further failure, up to ten times.",
    ),
  idleTime: positiveDuration.prefault("10m").describe("An instance that has had no build for this long is ended."),
  buildsPerInstance: z
    .int()
    .positive()
    .nullable()
    .default(1)
    .describe("Number of builds after which an instance is ended; null: it goes on until it is idle for too long."),
  startAfter: duration
    .prefault(0)
    .describe("How long a build request waits for other workers before an instance is started for it."),
  cost: z
    .number()
    .nonnegative()
    .default(1)
    .describe("Of several latent workers that could take a request, the one with the lowest cost does."),
  maxBuilds: z.int().positive().default(1).describe("Maximum number of builds at the same time on one instance."),
  capacity: z
    .int()
    .positive()
    .optional()
    .describe("Maximum sum of the `weight` of the builders whose builds run on one instance; absent: any sum."),
  hours: weeklyHours
    .optional()
    .describe(
      "When instances are started for builds, and builds may begin on them; running ones go on, and `minInstances` are kept. Absent: at any time.",
    ),
  accepts: functionOf<Accepts>("a function (request) => true, or why not")
    .optional()
    .describe("Its instances take only requests for which this function returns true; it must answer immediately."),
  properties: z.record(z.string(), z.json()).default({}).describe("Properties of its builds, with the source Worker."),
} as const;

const common = z.object(latentWorkerShape);

/** What of the options of a latent worker cannot work together, whatever its kind. */
export function problemsOfLatent(options: LatentWorkerOptions): ConfigWarning[] {
  const { minInstances, maxInstances } = options;
  const rendered = Object.entries(options).find(([, value]) => holdsFunction(value))?.[0];
  return [
    ...(minInstances > maxInstances
      ? [
          {
            path: ["minInstances"],
            sentence: `must be at most ${maxInstances}, the maxInstances of this latent worker`,
          },
        ]
      : []),
    ...(minInstances > 0 && rendered !== undefined
      ? [
          {
            path: ["minInstances"],
            sentence: `must be 0: "${rendered}" is a function of the build request, so each instance is made for one request`,
          },
        ]
      : []),
  ];
}

/** Risks of latent workers that are the same for all kinds. */
export function warningsOfLatents({ latent }: Pick<WorkersSlice, "latent">): ConfigWarning[] {
  return latent.flatMap((descriptor, i) => {
    const { maxBuilds, buildsPerInstance } = latentOptionsOf(descriptor);
    if (buildsPerInstance === null || maxBuilds <= buildsPerInstance) return [];
    return [
      {
        path: ["latent", i, "maxBuilds"],
        sentence: `an instance never has ${maxBuilds} builds, since it is ended after ${buildsPerInstance}: set buildsPerInstance to null, or to at least ${maxBuilds}`,
      },
    ];
  });
}

/** Warns of latent workers of which some instances should always be there, and which no builder names: none is started. */
export function warningsOfUnusedLatents(
  { latent }: Pick<WorkersSlice, "latent">,
  builders: readonly { readonly workers: readonly string[] }[],
): ConfigWarning[] {
  const used = new Set(builders.flatMap(({ workers }) => workers));
  return latent.flatMap((descriptor, i) => {
    const { name, minInstances } = latentOptionsOf(descriptor);
    if (minInstances === 0 || used.has(name)) return [];
    return [
      {
        path: ["latent", i, "minInstances"],
        sentence: `no builder names "${name}" among its workers, so none of its ${minInstances} instances is started: name it, or remove it`,
      },
    ];
  });
}

/** Whether an option is a function of the build request, or contains one. */
export function holdsFunction(value: unknown): boolean {
  if (typeof value === "function") return true;
  return typeof value === "object" && value !== null && Object.values(value).some(holdsFunction);
}

/** The options of a latent worker that are the same for all kinds. */
export type LatentWorkerOptions = z.output<typeof common>;

/** The options of a checked latent worker that are the same for all kinds. */
export function latentOptionsOf({ options }: PluginDescriptor<"latent-worker">): LatentWorkerOptions {
  return options as LatentWorkerOptions;
}

/** The names of the workers that instances of a latent worker are: as many as there may be instances. */
export function instanceNames({ name, maxInstances }: Pick<LatentWorkerOptions, "name" | "maxInstances">): string[] {
  return Array.from({ length: maxInstances }, (_, i) => `${name}-${i + 1}`);
}

/** The workers that instances of latent workers are. None has a password of the config: each instance gets its own. */
export function latentWorkerConfigs({ latent }: Pick<WorkersSlice, "latent">): WorkerConfig[] {
  return latent.flatMap((descriptor) => {
    const { maxBuilds, capacity, hours, accepts, properties, ...options } = latentOptionsOf(descriptor);
    return instanceNames(options).map((name) => ({
      name,
      local: false,
      maxBuilds,
      properties,
      capacity,
      hours,
      accepts,
      // It is away whenever nothing needs it.
      missingTimeout: null,
    }));
  });
}

/** The workers of a builder, with those that instances are in the place of the latent worker that is named. */
export function expandLatentNames(names: readonly string[], { latent }: Pick<WorkersSlice, "latent">): string[] {
  const byName = new Map(latent.map((descriptor) => [latentOptionsOf(descriptor).name, latentOptionsOf(descriptor)]));
  return names.flatMap((name) => {
    const options = byName.get(name);
    return options ? instanceNames(options) : [name];
  });
}
