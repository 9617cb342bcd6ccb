import { type Clock, type Logger, type Service, WakeupLoop } from "@multimaster/core";
import type { Updates } from "./index.ts";

export interface BurialOptions {
  readonly updates: Updates;
  /** The lease of this master: five looks in each. */
  readonly leaseMs: number;
  /** False while this master may bury nobody. */
  readonly mayBury?: () => boolean;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How often a master that has left the message router is looked at, until its lease tells whether it lives. */
const hurryMs = 250;

export interface BurialService extends Service {
  /** This master may be dead: it is looked at at once, and often, until it has renewed or is buried. */
  hurry(masterid: number): void;
}

/** How often buildsets are looked for whose end got lost; only a Buildbot master beside us still leaves such ones. */
const completeEveryMs = 30_000;

/**
 * What every master does for the cluster beside its roles: burying the dead and ending what was left open. It starts
 * before the roles and stops after them, when it also waits for events and logs that are still being worked on.
 */
export function createBurialService({
  updates,
  leaseMs,
  mayBury = () => true,
  clock,
  log,
}: BurialOptions): BurialService {
  let completedAt = Number.NEGATIVE_INFINITY;
  /** Masters that may be dead, and when they had last renewed when that was first looked up. */
  const suspects = new Map<number, number | undefined>();
  const loop = new WakeupLoop({
    name: "burial of dead masters",
    clock,
    log,
    pollMs: Math.max(50, leaseMs / 5),
    async look() {
      if (mayBury()) await updates.masters.buryDead();
      if (suspects.size > 0) await judgeSuspects();
      if (clock.now() - completedAt < completeEveryMs) return;
      await updates.buildsets.completeFinished();
      await updates.triggers.tidy();
      completedAt = clock.now();
    },
  });

  async function judgeSuspects(): Promise<void> {
    const renewals = await updates.masters.renewals([...suspects.keys()]);
    for (const [masterid, before] of suspects) {
      const renewedAt = renewals.get(masterid);
      if (renewedAt === undefined || (before !== undefined && renewedAt !== before)) suspects.delete(masterid);
      else suspects.set(masterid, renewedAt);
    }
    if (suspects.size > 0) clock.after(hurryMs, () => loop.wake());
  }

  return {
    name: "burial",
    hurry(masterid) {
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
  };
}
