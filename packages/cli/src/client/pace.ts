import { type Clock, systemClock } from "@multimaster/core";

const shortestMs = 250;
const longestMs = 2_000;

/** The polling interval: short while there is news, increasingly longer while there is none. */
export class Pace {
  #clock: Clock;
  #signal: AbortSignal;
  #ms = shortestMs;

  constructor(signal: AbortSignal, clock: Clock = systemClock) {
    this.#signal = signal;
    this.#clock = clock;
  }

  /** Shortens the interval, because there was news. */
  quicken(): void {
    this.#ms = shortestMs;
  }

  /** Waits until the next poll is due; throws when the command is interrupted. */
  async rest(): Promise<void> {
    const ms = this.#ms;
    this.#ms = Math.min(ms * 1.5, longestMs);
    await this.#clock.sleep(ms, this.#signal);
    this.#signal.throwIfAborted();
  }
}
