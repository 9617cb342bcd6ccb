import { type Clock, type Failure, type Logger, type Timer, WakeupLoop } from "@multimaster/core";

/** A scheduler or change source that runs on the master with its claim. */
export interface Running {
  /** An event may concern it: it polls soon. Never needed for correctness, only for speed. */
  wake?(): void;
  /** Ends it and waits for work in progress; may be called twice. */
  stop(): Promise<void>;
  /** Since when every attempt has failed, and the last error; undefined if the last attempt succeeded. */
  failure?(): Failure | undefined;
}

export interface Polling {
  /** Longest time between two polls, in milliseconds. */
  pollMs: number;
  /** False: the first poll is after one interval, or when it is woken. */
  atStart?: boolean;
  /**
   * Reads the rows (or the outside world) and does what they require. Returns the milliseconds until its next poll if that is
   * sooner than the interval, such as the rest of a timer. An error is logged; the next poll retries.
   */
  poll(signal: AbortSignal): Promise<number | undefined>;
}

/**
 * The usual implementation of a singleton: all of its state is in rows, and each poll reads them again. Another master
 * continues where the last one stopped, and only speed depends on wake-ups.
 */
export function startPolling(ctx: { name: string; clock: Clock; log: Logger }, polling: Polling): Running {
  let timer: Timer | undefined;
  let skip = polling.atStart === false;
  const loop = new WakeupLoop({
    name: ctx.name,
    clock: ctx.clock,
    log: ctx.log,
    pollMs: polling.pollMs,
    async poll(signal) {
      timer?.cancel();
      if (skip) {
        skip = false;
        return;
      }
      const again = await polling.poll(signal);
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
