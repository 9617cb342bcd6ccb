import { type Clock, type Logger, type Service, WakeupLoop } from "@multimaster/core";
import type { Updates } from "./contract.ts";

export interface BurialOptions {
  readonly updates: Updates;
  /** The lease of this master: five looks in each. */
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How often buildsets are looked for whose end got lost; only a Buildbot master beside us still leaves such ones. */
const completeEveryMs = 30_000;

/**
 * What every master does for the cluster beside its roles: burying the dead and ending what was left open. It starts
 * before the roles and stops after them, when it also waits for events and logs that are still being worked on.
 */
export function createBurialService({ updates, leaseMs, clock, log }: BurialOptions): Service {
  let completedAt = Number.NEGATIVE_INFINITY;
  const loop = new WakeupLoop({
    name: "burial of dead masters",
    clock,
    log,
    pollMs: Math.max(50, leaseMs / 5),
    async look() {
      await updates.masters.buryDead();
      if (clock.now() - completedAt < completeEveryMs) return;
      await updates.buildsets.completeFinished();
      await updates.triggers.tidy();
      completedAt = clock.now();
    },
  });
  return {
    name: "burial",
    async start() {
      loop.start();
    },
    async stop() {
      await loop.stop();
      await updates.close();
    },
  };
}
