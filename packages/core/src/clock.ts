/** Where time comes from; tests pass their own. */
export interface Clock {
  /** Milliseconds since the epoch, of this host. Leases never use it: they go by the database's clock. */
  now(): number;
  /** Runs `fn` once after `ms` milliseconds; the timer does not keep the process alive. */
  after(ms: number, fn: () => void): Timer;
  /** Resolves after `ms` milliseconds, or at once when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface Timer {
  cancel(): void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
  sleep(ms, signal) {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener("abort", done, { once: true });
    });
  },
};

/** Whole seconds since the epoch, as every Buildbot time column stores them. */
export function epochSeconds(clock: Clock): number {
  return Math.floor(clock.now() / 1000);
}
