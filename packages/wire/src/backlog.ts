/** Limits on bytes received but not yet consumed: above the first, the connection is not read; below the second, again. */
const highWater = 4 * 1024 * 1024;
const lowWater = 1024 * 1024;

/** Overhead of a message beside its bytes, so that a million tiny messages count too. */
const messageCost = 512;

/** Stops reading a connection while too much of what it delivered waits to be consumed. */
export class Backlog {
  #connection: { pause(): void; resume(): void };
  #unconsumed = 0;
  #paused = false;

  constructor(connection: { pause(): void; resume(): void }) {
    this.#connection = connection;
  }

  /** Counts a message of so many bytes until `consumed` settles. */
  hold(bytes: number, consumed: Promise<unknown>): void {
    const cost = bytes + messageCost;
    this.#unconsumed += cost;
    if (!this.#paused && this.#unconsumed >= highWater) {
      this.#paused = true;
      this.#connection.pause();
    }
    void consumed.catch(() => undefined).then(() => this.#release(cost));
  }

  #release(bytes: number): void {
    this.#unconsumed -= bytes;
    if (!this.#paused || this.#unconsumed > lowWater) return;
    this.#paused = false;
    this.#connection.resume();
  }
}
