import { duration } from "@multimaster/core";
import { z } from "zod";
import { plainName } from "./plain-name.ts";

/** Of what stands for a lock; its use is reported by `notAUse`. */
const notALock = 'must be a lock of `defineLock({ name: "…" })`, listed by its `exclusive()` or `counting()`';

const resourceNames = z
  .array(plainName(150))
  .min(1)
  .refine((names) => new Set(names).size === names.length, "must have each name once");

/** A length of time that stays as it was written: a lock is parsed where it is defined and where it is used. */
const writtenDuration = z
  .union([z.number(), z.string()])
  .refine((value) => duration.safeParse(value).success, 'must be seconds, or a text like "90s", "10m", "2h"');

/** What a lock is. */
export const lockOptions = z
  .strictObject(
    {
      name: plainName(150).describe("Unique in the cluster."),
      scope: z
        .enum(["cluster", "worker"])
        .default("cluster")
        .describe("One lock of the whole cluster, or one of each worker."),
      max: z.int().positive().default(1).describe("How much counting uses may take together."),
      maxOfWorker: z
        .record(z.string(), z.int().positive())
        .default({})
        .describe("Of a lock of each worker: `max` of workers, by name, where it differs."),
      resources: resourceNames
        .optional()
        .describe("Named things of which each counting use gets one; there are as many as names."),
      property: plainName(150)
        .optional()
        .describe("The property that gets the name of the resource; `lock_NAME` by default."),
      keepAfterLoss: writtenDuration
        .default("10m")
        .describe(
          "How long it stays taken by a build whose engine or worker was lost, since the command may still run; it is free as soon as the worker attaches again.",
        ),
    },
    { error: ({ code }) => (code === "invalid_type" ? notALock : undefined) },
  )
  .refine(({ scope, maxOfWorker }) => scope === "worker" || Object.keys(maxOfWorker).length === 0, {
    path: ["maxOfWorker"],
    message: 'must be left out, unless `scope` is "worker"',
  })
  .refine(({ resources, max }) => resources === undefined || max === 1 || max === resources.length, {
    path: ["max"],
    message: "must be left out, or be the number of `resources`",
  })
  .refine(({ property, resources }) => property === undefined || resources !== undefined, {
    path: ["property"],
    message: "must be left out without `resources`, whose names it gets",
  });

/** Of a lock that is not defined, such as a name. */
const notAUse = "must be the use of a lock that `defineLock` defines: its `exclusive()` or `counting()`";

/** How a builder or a step uses a lock. */
export const lockUse = z
  .strictObject(
    {
      lock: lockOptions.describe("What `defineLock` describes."),
      mode: z
        .enum(["exclusive", "counting"])
        .describe("Alone (`lock.exclusive()`), or beside other counting uses (`lock.counting()`)."),
      count: z.int().positive().default(1).describe("How much of the lock a counting use takes."),
    },
    { error: ({ code }) => (code === "invalid_type" ? notAUse : undefined) },
  )
  .refine(({ lock, mode, count }) => mode === "exclusive" || count <= leastOf(lock), {
    path: ["count"],
    error: ({ input }) => describeLeast((input as { lock: LockOptions }).lock),
  })
  .refine(({ lock, mode, count }) => lock.resources === undefined || mode === "exclusive" || count === 1, {
    path: ["count"],
    message: "must be 1 for a lock with named resources",
  });

/** The locks of one builder or step. */
export const lockUses = z
  .array(lockUse)
  .refine((uses) => new Set(uses.map(({ lock }) => lock.name)).size === uses.length, "must have each lock once");

export type LockOptions = z.output<typeof lockOptions>;
export type LockUseConfig = z.output<typeof lockUse>;

/** A lock, to be used by builders and steps. */
export interface Lock {
  readonly name: string;
  /** A use that no other has beside it. */
  exclusive(): LockUseConfig;
  /** A use that shares the lock with others, up to its `max`, and takes `count` of that. */
  counting(count?: number): LockUseConfig;
}

/**
 * Defines a lock. Builders and steps list uses of it under `locks`; two definitions of one name in a config must be equal.
 * Wrong options are reported where the lock is used, with all other errors of the config.
 */
export function defineLock(options: z.input<typeof lockOptions>): Lock {
  const parsed = lockOptions.safeParse(options);
  const lock = parsed.success ? parsed.data : (options as LockOptions);
  return {
    name: lock.name,
    exclusive: () => ({ lock, mode: "exclusive", count: 1 }),
    counting: (count = 1) => ({ lock, mode: "counting", count }),
  };
}

/** How much of a lock there is for counting uses, on a worker where it is one of each worker. */
export function maxOf({ scope, max, maxOfWorker, resources }: LockOptions, worker: string): number {
  if (resources !== undefined) return resources.length;
  return scope === "worker" ? (maxOfWorker[worker] ?? max) : max;
}

function leastOf({ max, maxOfWorker, resources }: LockOptions): number {
  return resources?.length ?? Object.values(maxOfWorker).reduce((least, one) => Math.min(least, one), max);
}

function describeLeast(lock: LockOptions): string {
  const least = leastOf(lock);
  const worker = Object.keys(lock.maxOfWorker).find((name) => maxOf(lock, name) === least);
  return `must be at most ${least}, which is all of the lock${worker === undefined ? "" : ` on ${worker}`}`;
}

/** The property that gets the name of a resource. */
export const resourcePropertyOf = ({ name, property }: LockOptions): string => property ?? `lock_${name}`;

/** How long it stays taken by a build that was lost, in milliseconds. */
export const keepMsOf = ({ keepAfterLoss }: LockOptions): number => duration.parse(keepAfterLoss);
