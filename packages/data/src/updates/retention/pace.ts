import type { Connection } from "@multimaster/database";

/** So long may a transaction work. While one works on SQLite, no other master and no other thread can write. */
const longestWorkMs = { sqlite: 10, postgresql: 100 } as const satisfies Record<Connection["dialect"]["name"], number>;
/** Of the largest amount: the first transactions show how quick the database is. */
const firstShare = 1 / 20;
const growth = 1.5;

/** How much one transaction of retention deletes: as much as the last ones did in a short time. */
export class Pace {
  readonly #longestMs: number;
  #share = firstShare;
  #slowestMs = 0;

  constructor(connection: Connection) {
    this.#longestMs = longestWorkMs[connection.dialect.name];
  }

  /** The amount that a transaction may delete, if it is `most` on a quick database. */
  of(most: number): number {
    return Math.max(1, Math.floor(most * this.#share));
  }

  /** Called with the milliseconds that a transaction worked, without its wait for the right to write. */
  worked(ms: number): void {
    this.#slowestMs = Math.max(this.#slowestMs, ms);
  }

  /** Called after each part of the work, of which the slowest transaction counts. */
  adapt(): void {
    if (this.#slowestMs > this.#longestMs)
      this.#share = Math.max(0.001, this.#share * (this.#longestMs / this.#slowestMs));
    else if (this.#slowestMs < this.#longestMs / growth) this.#share = Math.min(1, this.#share * growth);
    this.#slowestMs = 0;
  }
}
