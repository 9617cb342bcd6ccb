interface Lane<T> {
  running: Promise<unknown>;
  next: Promise<T> | undefined;
}

/**
 * Reads by key, at most one of each in progress: requests for the same key meanwhile share the next read. So pages that all
 * read in one moment, as they do after an event, cost one read, and no request gets data read before it arrived.
 */
export class SharedReads<T> {
  #lanes = new Map<string, Lane<T>>();

  /** `isFirst` is true for one of the requests that share an answer. */
  async get(key: string, read: () => Promise<T>): Promise<{ answer: T; isFirst: boolean }> {
    const lane = this.#lanes.get(key);
    if (!lane)
      return { answer: await this.#run(key, { running: Promise.resolve(), next: undefined }, read), isFirst: true };
    if (lane.next) return { answer: await lane.next, isFirst: false };
    lane.next = lane.running.then(() => this.#run(key, lane, read));
    return { answer: await lane.next, isFirst: true };
  }

  #run(key: string, lane: Lane<T>, read: () => Promise<T>): Promise<T> {
    this.#lanes.set(key, lane);
    lane.next = undefined;
    const reading = read();
    lane.running = reading
      .catch(() => undefined)
      .finally(() => {
        if (!lane.next) this.#lanes.delete(key);
      });
    return reading;
  }
}
