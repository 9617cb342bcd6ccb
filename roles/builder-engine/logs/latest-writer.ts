/**
 * Writes the newest of a quick succession of values, in order, one at a time: of ten state texts set while the first is
 * being written, only the last follows. A setter does not wait; code that must wait calls `flush`.
 */
export class LatestWriter<T> {
  #write: (value: T) => Promise<void>;
  #next: { value: T } | undefined;
  #running: Promise<void> | undefined;
  #failure: { error: unknown } | undefined;

  constructor(write: (value: T) => Promise<void>) {
    this.#write = write;
  }

  set(value: T): void {
    this.#next = { value };
    this.#running ??= this.#run();
  }

  /** Resolves when the newest value is written; rejects with the first failure. */
  async flush(): Promise<void> {
    await this.#running;
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #run(): Promise<void> {
    while (this.#next !== undefined && this.#failure === undefined) {
      const { value } = this.#next;
      this.#next = undefined;
      try {
        await this.#write(value);
      } catch (error) {
        this.#failure = { error };
      }
    }
    this.#running = undefined;
  }
}
