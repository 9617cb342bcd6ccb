import type { Clock } from "./clock.ts";
import { describeCause } from "./describe-cause.ts";
import type { Logger } from "./log.ts";
import type { Failure } from "./service.ts";

export interface WakeupLoopOptions {
  name: string;
  clock: Clock;
  log: Logger;
  /** Longest time between two polls, in milliseconds; a lost message costs at most this delay. */
  pollMs: number;
  /** Reads the rows and does what they require. One poll runs at a time; an error is logged and the loop continues. */
  poll(signal: AbortSignal): Promise<void>;
}

/** Limits the wait after a failure, so that a loop with a long interval soon shows that it works again. */
const longestRetryMs = 10_000;

/** "Messages wake, rows decide": a loop that polls when woken or when the interval has passed, whichever is first. */
export class WakeupLoop {
  #options: WakeupLoopOptions;
  #stop = new AbortController();
  #wake = new AbortController();
  #running: Promise<void> | undefined;
  #failing: { since: number; loggedAt: number; error: unknown } | undefined;

  constructor(options: WakeupLoopOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Requests a poll soon; calls during a poll are merged into one more poll. */
  wake(): void {
    this.#wake.abort();
  }

  /** Since when every poll has failed, and the last error; undefined if the last poll succeeded. */
  failure(): Failure | undefined {
    if (!this.#failing) return undefined;
    const { since, error } = this.#failing;
    return { since, error, cause: describeCause(error) };
  }

  /** Ends the loop and waits for the poll in progress. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#wake.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, pollMs, poll } = this.#options;
    while (!this.#stop.signal.aborted) {
      this.#wake = new AbortController();
      try {
        await poll(this.#stop.signal);
        this.#noteSuccess();
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        this.#noteFailure(error);
        await clock.sleep(Math.min(1000, pollMs), this.#stop.signal);
      }
      // Jitter keeps equal masters from polling at the same instant.
      const restMs = this.#failing ? Math.min(pollMs, longestRetryMs) : pollMs;
      await clock.sleep(restMs * (0.8 + Math.random() * 0.4), this.#wake.signal);
    }
  }

  /** Logs the first failure, then one line per minute: a loop usually fails repeatedly for the same cause. */
  #noteFailure(error: unknown): void {
    const { clock, log, name } = this.#options;
    const now = clock.now();
    this.#failing ??= { since: now, loggedAt: Number.NEGATIVE_INFINITY, error };
    this.#failing.error = error;
    if (now - this.#failing.loggedAt < 60_000) return;
    this.#failing.loggedAt = now;
    log.error({ loop: name, err: error }, `${name} failed; retrying`);
  }

  #noteSuccess(): void {
    const { clock, log, name } = this.#options;
    if (this.#failing)
      log.info({ loop: name, seconds: Math.round((clock.now() - this.#failing.since) / 1000) }, `${name} works again`);
    this.#failing = undefined;
  }
}
