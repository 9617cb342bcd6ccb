import { onAbort } from "./on-abort.ts";
import { startTimeout } from "./timeout.ts";

/** The source of time; tests pass their own. */
export interface Clock {
  /** Milliseconds since 1970 on this host. Leases never use it: only the database's clock decides them. */
  now(): number;
  /** Runs `fn` once after `ms` milliseconds; the timer does not keep the process alive. */
  after(ms: number, fn: () => void): Timer;
  /** Resolves after `ms` milliseconds, or immediately when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface Timer {
  cancel(): void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, fn) {
    return { cancel: startTimeout(fn, ms, { unref: true }) };
  },
  sleep(ms, signal) {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        cancel();
        ignore?.();
        resolve();
      };
      const cancel = startTimeout(done, ms);
      const ignore = signal && onAbort(signal, done);
    });
  },
};

/** Whole seconds since the epoch, as every Buildbot time column stores them. */
export function epochSeconds(clock: Clock): number {
  return Math.floor(clock.now() / 1000);
}
