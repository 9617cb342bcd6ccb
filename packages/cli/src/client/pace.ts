import { type Clock, systemClock } from "@multimaster/core";

const shortestMs = 250;
const longestMs = 2_000;

/** How often something is looked at again: often while it changes, ever less while it does not. */
export class Pace {
  #clock: Clock;
  #signal: AbortSignal;
  #ms = shortestMs;

  constructor(signal: AbortSignal, clock: Clock = systemClock) {
    this.#signal = signal;
    this.#clock = clock;
  }

  /** There was news. */
  quicken(): void {
    this.#ms = shortestMs;
  }

  /** Waits until the next look is due; throws when it is no longer wanted. */
  async rest(): Promise<void> {
    const ms = this.#ms;
    this.#ms = Math.min(ms * 1.5, longestMs);
    await this.#clock.sleep(ms, this.#signal);
    this.#signal.throwIfAborted();
  }
}
