import { type Clock, type Failure, type Logger, type Timer, WakeupLoop } from "@multimaster/core";

/** A scheduler or change source at work on the master that claimed it. */
export interface Running {
  /** Something may have happened that concerns it: it looks soon. Never needed for correctness, only for speed. */
  wake?(): void;
  /** Ends it and waits for what it is doing; may be called twice. */
  stop(): Promise<void>;
  /** Since when each of its tries has failed, and with what; undefined when the last one has not. */
  failure?(): Failure | undefined;
}

export interface Looking {
  /** Longest time between two looks, in milliseconds. */
  pollMs: number;
  /** False: the first look is after one interval, or when it is woken. */
  atStart?: boolean;
  /**
   * Looks at the rows (or at the world) and does what they ask for. Gives the milliseconds after which it wants to look
   * again when that is sooner than the poll, such as the rest of a timer. An error is logged; the next look tries again.
   */
  look(signal: AbortSignal): Promise<number | undefined>;
}

/**
 * The usual way to be a singleton: all it knows is in rows, and each look reads them afresh. Whoever takes over goes on
 * where the last one stopped, and nothing but speed depends on being woken.
 */
export function startLooking(ctx: { name: string; clock: Clock; log: Logger }, looking: Looking): Running {
  let timer: Timer | undefined;
  let skip = looking.atStart === false;
  const loop = new WakeupLoop({
    name: ctx.name,
    clock: ctx.clock,
    log: ctx.log,
    pollMs: looking.pollMs,
    async look(signal) {
      timer?.cancel();
      if (skip) {
        skip = false;
        return;
      }
      const again = await looking.look(signal);
      if (again !== undefined && !signal.aborted) timer = ctx.clock.after(again, () => loop.wake());
    },
  });
  loop.start();
  return {
    wake() {
      skip = false;
      loop.wake();
    },
    async stop() {
      await loop.stop();
      timer?.cancel();
    },
    failure: () => loop.failure(),
  };
}
