import { keepMsOf, type LockUseConfig, maxOf, resourcePropertyOf } from "@multimaster/config";
import type { LockUse, TakenLock } from "@multimaster/data";

/** The worker of a build, as far as locks of workers need it. */
export interface LockWorker {
  readonly workerid: number;
  readonly name: string;
}

/** Locks as a build, or a step, has them. */
export interface HeldLocks {
  readonly holdids: readonly number[];
  /** Names of the resources that it got, as properties. */
  readonly properties: Readonly<Record<string, string>>;
}

export const noLocks: HeldLocks = { holdids: [], properties: {} };

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
  return { holdids: taken.map(({ holdid }) => holdid), properties: Object.fromEntries(properties) };
}
