import { type Clock, waitAtMost } from "@multimaster/core";

export interface FreshRowsOptions {
  readonly clock: Clock;
  /** Reads the rows and takes them over. */
  read(): Promise<void>;
}

/** At most one read in this time for those that ask. */
const pauseMs = 200;
/** A worker waits five seconds for an answer. */
const longestMs = 3000;

/**
 * Reads rows that this engine keeps in memory: one read at a time, so that no older rows replace newer ones. All that ask
 * about something unknown share the next read, however many they are.
 */
export class FreshRows {
  #options: FreshRowsOptions;
  #last: Promise<unknown> = Promise.resolve();
  #asked: Promise<void> | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(options: FreshRowsOptions) {
    this.#options = options;
  }

  /** Rejects as the read does. */
  read(): Promise<void> {
    const reading = this.#last.then(() => this.#options.read());
    this.#last = reading.catch(() => undefined);
    return reading;
  }

  /** Resolves when the rows of this moment are in memory; false: they could not be read in time. */
  async ask(): Promise<boolean> {
    this.#asked ??= this.#readSoon();
    const read = this.#asked.then(
      () => true,
      () => false,
    );
    return (await waitAtMost(this.#options.clock, longestMs, read)) ?? false;
  }

  async #readSoon(): Promise<void> {
    const { clock } = this.#options;
    await clock.sleep(Math.max(0, this.#askedAt + pauseMs - clock.now()));
    await this.#last;
    // Those that ask from now on may mean rows that this read does not see.
    this.#asked = undefined;
    this.#askedAt = clock.now();
    return this.read();
  }
}
