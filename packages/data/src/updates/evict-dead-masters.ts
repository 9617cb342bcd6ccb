import { type Clock, type Logger, type Service, WakeupLoop } from "@multimaster/core";
import type { Updates } from "./index.ts";

export interface EvictionOptions {
  readonly updates: Updates;
  /** The lease of this master: it polls five times in each. */
  readonly leaseMs: number;
  /** False while this master may evict no one. */
  readonly mayEvict?: () => boolean;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How often a master that has left the message router is checked, until its lease shows whether it is alive. */
const suspectedMs = 250;

export interface EvictionService extends Service {
  /** Checks this master now and repeatedly until its lease is renewed or it is evicted: it may be dead. */
  suspect(masterid: number): void;
}

/** How often buildsets are completed whose end got lost (only a Buildbot master beside us still leaves such), old rows deleted, and missing workers reported. */
const tidyEveryMs = 30_000;

/**
 * What every master does for the cluster beside its roles: evicting dead masters and ending what was left open. It starts
 * before the roles and stops after them, when it also waits for events and logs that are still being worked on.
 */
export function createEvictionService({
  updates,
  leaseMs,
  mayEvict = () => true,
  clock,
  log,
}: EvictionOptions): EvictionService {
  let tidiedAt = Number.NEGATIVE_INFINITY;
  /** Masters that may be dead, and when they had last renewed when that was first read. */
  const suspects = new Map<number, number | undefined>();
  const loop = new WakeupLoop({
    name: "eviction of dead masters",
    clock,
    log,
    pollMs: Math.max(50, leaseMs / 5),
    async poll() {
      if (mayEvict()) await updates.masters.evictDead();
      await updates.builds.endUnadopted();
      await updates.locks.freeLost();
      if (suspects.size > 0) await judgeSuspects();
      if (clock.now() - tidiedAt < tidyEveryMs) return;
      await updates.buildsets.completeFinished();
      await updates.triggers.tidy();
      await updates.workers.reportMissing();
      await updates.masters.pruneOutbox();
      await updates.locks.prune();
      tidiedAt = clock.now();
    },
  });

  async function judgeSuspects(): Promise<void> {
    const renewals = await updates.masters.renewals([...suspects.keys()]);
    for (const [masterid, before] of suspects) {
      const renewedAt = renewals.get(masterid);
      if (renewedAt === undefined || (before !== undefined && renewedAt !== before)) suspects.delete(masterid);
      else suspects.set(masterid, renewedAt);
    }
    if (suspects.size > 0) clock.after(suspectedMs, () => loop.wake());
  }

  return {
    name: "eviction",
    suspect(masterid) {
      suspects.set(masterid, undefined);
      loop.wake();
    },
    async start() {
      loop.start();
    },
    async stop() {
      await loop.stop();
      await updates.close();
    },
    failure: () => loop.failure(),
  };
}
