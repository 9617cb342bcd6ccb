import type { Clock } from "./clock.ts";
import type { Logger } from "./log.ts";

export interface WakeupLoopOptions {
  name: string;
  clock: Clock;
  log: Logger;
  /** Longest time between two looks, in milliseconds; a lost message costs at most this. */
  pollMs: number;
  /** Looks at the rows and does what they ask for. Runs one at a time; an error is logged and the loop goes on. */
  look(signal: AbortSignal): Promise<void>;
}

/** "Messages wake, rows tell": one loop that looks when woken or when the poll interval has passed, whichever is first. */
export class WakeupLoop {
  #options: WakeupLoopOptions;
  #stop = new AbortController();
  #wake = new AbortController();
  #running: Promise<void> | undefined;

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

  /** Ends the loop and waits for the look in progress. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#wake.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, log, name, pollMs, look } = this.#options;
    while (!this.#stop.signal.aborted) {
      this.#wake = new AbortController();
      try {
        await look(this.#stop.signal);
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        log.error({ loop: name, err: error }, `${name} failed; it will be tried again`);
        await clock.sleep(Math.min(1000, pollMs), this.#stop.signal);
      }
      // Jitter keeps equal masters from looking at the same instant.
      await clock.sleep(pollMs * (0.8 + Math.random() * 0.4), this.#wake.signal);
    }
  }
}
