import type { Clock } from "./clock.ts";
import { describeCause } from "./describe-cause.ts";
import type { Logger } from "./log.ts";
import type { Failure } from "./service.ts";

export interface WakeupLoopOptions {
  name: string;
  clock: Clock;
  log: Logger;
  /** Longest time between two looks, in milliseconds; a lost message costs at most this. */
  pollMs: number;
  /** Looks at the rows and does what they ask for. Runs one at a time; an error is logged and the loop goes on. */
  look(signal: AbortSignal): Promise<void>;
}

/** A loop that polls rarely shows soon that it works again. */
const longestRetryMs = 10_000;

/** "Messages wake, rows tell": one loop that looks when woken or when the poll interval has passed, whichever is first. */
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

  /** Asks for a look soon; calls during a look are merged into one more look. */
  wake(): void {
    this.#wake.abort();
  }

  /** Since when each look has failed, and with what; undefined when the last one has not. */
  failure(): Failure | undefined {
    if (!this.#failing) return undefined;
    const { since, error } = this.#failing;
    return { since, error, cause: describeCause(error) };
  }

  /** Ends the loop and waits for the look in progress. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#wake.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, pollMs, look } = this.#options;
    while (!this.#stop.signal.aborted) {
      this.#wake = new AbortController();
      try {
        await look(this.#stop.signal);
        this.#noteSuccess();
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        this.#noteFailure(error);
        await clock.sleep(Math.min(1000, pollMs), this.#stop.signal);
      }
      // Jitter keeps equal masters from looking at the same instant.
      const restMs = this.#failing ? Math.min(pollMs, longestRetryMs) : pollMs;
      await clock.sleep(restMs * (0.8 + Math.random() * 0.4), this.#wake.signal);
    }
  }

  /** One line when it begins and one a minute: what makes a loop fail makes it fail again and again. */
  #noteFailure(error: unknown): void {
    const { clock, log, name } = this.#options;
    const now = clock.now();
    this.#failing ??= { since: now, loggedAt: Number.NEGATIVE_INFINITY, error };
    this.#failing.error = error;
    if (now - this.#failing.loggedAt < 60_000) return;
    this.#failing.loggedAt = now;
    log.error({ loop: name, err: error }, `${name} failed; it is tried again`);
  }

  #noteSuccess(): void {
    const { clock, log, name } = this.#options;
    if (this.#failing)
      log.info({ loop: name, seconds: Math.round((clock.now() - this.#failing.since) / 1000) }, `${name} works again`);
    this.#failing = undefined;
  }
}
