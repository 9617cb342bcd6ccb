import { type LockUseConfig, lockUses, maxOf } from "@multimaster/config";
import type { Data } from "@multimaster/data";
import { grantLocks } from "@multimaster/placement";
import type { ConfiguredBuilder } from "../builds/configured-builder.ts";

interface Waiting {
  readonly buildrequestid: number;
  readonly builderid: number;
  readonly priority: number;
  readonly submittedAt: number;
}

/**
 * The requests whose builds could have their locks now: no instance is started for one that would only wait. Locks of
 * workers and those that a function names are not known before there is a worker: they hold back no start.
 */
export async function withFreeLocks<R extends Waiting>(
  requests: readonly R[],
  builders: ReadonlyMap<number, ConfiguredBuilder>,
  data: Data,
): Promise<R[]> {
  const usesOf = new Map<number, readonly LockUseConfig[]>();
  for (const { builderid } of requests)
    if (!usesOf.has(builderid)) usesOf.set(builderid, fixedUses(builders.get(builderid)));
  const limits = new Map<string, number>();
  for (const { lock } of [...usesOf.values()].flat()) limits.set(lock.name, maxOf(lock, ""));
  if (limits.size === 0) return [...requests];
  const names = [...limits.keys()];
  const loads = await data.updates.instances.lockLoads(names);
  const idOf = (name: string) => names.indexOf(name);
  const states = names.map((name) => ({
    lockid: idOf(name),
    max: limits.get(name) as number,
    holds: loads.filter((load) => load.name === name).map((load) => ({ ...load, exclusive: load.exclusive === 1 })),
  }));
  const waiters = requests.map(({ buildrequestid, builderid, priority, submittedAt }) => ({
    buildrequestid,
    stepid: 0,
    priority,
    since: submittedAt,
    demands: (usesOf.get(builderid) ?? []).map(({ lock, mode, count }) => ({
      lockid: idOf(lock.name),
      exclusive: mode === "exclusive",
      count,
    })),
  }));
  const verdicts = grantLocks(states, waiters);
  const held = new Set(verdicts.filter(({ short }) => short.length > 0).map(({ waiter }) => waiter.buildrequestid));
  return requests.filter(({ buildrequestid }) => !held.has(buildrequestid));
}

/** The locks of the cluster that each build of a builder has. */
function fixedUses(builder: ConfiguredBuilder | undefined): readonly LockUseConfig[] {
  if (!builder || typeof builder.config.locks === "function") return [];
  return lockUses.parse(builder.config.locks).filter(({ lock }) => lock.scope === "cluster");
}
