import {
  keepMsOf,
  type LockOptions,
  type LockUseConfig,
  locksDefinedBy,
  maxOf,
  resourcePropertyOf,
  usesOf,
} from "@multimaster/config";
import type { LockUse, TakenLock } from "@multimaster/data";
import type { ConfiguredBuilder } from "../builds/configured-builder.ts";

/** The worker of a build, as far as locks of workers need it. */
export interface LockWorker {
  readonly workerid: number;
  readonly name: string;
}

/** Locks as a build, or a step, has them. */
export interface HeldLocks {
  readonly holdids: readonly number[];
  readonly uses: readonly LockUseConfig[];
  /** Names of the resources that it got, as properties. */
  readonly properties: Readonly<Record<string, string>>;
}

export const noLocks: HeldLocks = { holdids: [], uses: [], properties: {} };

/** Those of a build that another engine began; what a function named then is not known. */
export function adoptLocks(holdids: readonly number[], { config }: ConfiguredBuilder): HeldLocks {
  return { ...noLocks, holdids, uses: usesOf(config.locks) };
}

/** The locks that the builders of this engine define, by name. */
export function definedLocks(builders: ReadonlyMap<number, ConfiguredBuilder>): ReadonlyMap<string, LockOptions> {
  return new Map([...builders.values()].flatMap(({ config }) => [...locksDefinedBy(config)]));
}

/** What the config says, as it is asked of the database for a build on this worker. */
export function toLockUse({ lock, mode, count }: LockUseConfig, worker: LockWorker): LockUse {
  return {
    name: lock.name,
    workerid: lock.scope === "worker" ? worker.workerid : 0,
    max: maxOf(lock, worker.name),
    exclusive: mode === "exclusive",
    count,
    resources: lock.resources ?? [],
    keepMs: keepMsOf(lock),
  };
}

/** What was taken, as its build sees it. */
export function toHeldLocks(uses: readonly LockUseConfig[], taken: readonly TakenLock[]): HeldLocks {
  const properties = taken.flatMap(({ name, resource }) => {
    const use = uses.find(({ lock }) => lock.name === name);
    return use === undefined || resource === null ? [] : [[resourcePropertyOf(use.lock), resource] as const];
  });
  return { holdids: taken.map(({ holdid }) => holdid), uses, properties: Object.fromEntries(properties) };
}
