/**
 * SQLite has one writer at a time. The transactions of a thread wait here for their turn, without a connection, and in
 * order: only the first of them has to be tried again while another thread writes.
 */
export class WriterTurns {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs a transaction when those before it have ended. */
  take<T>(run: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(run, run);
    this.#last = mine.catch(() => undefined);
    return mine;
  }
}
