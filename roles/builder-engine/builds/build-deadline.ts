import type { Clock, Timer } from "@multimaster/core";

/** Ends a build that has run too long. While one of its steps waits for locks, its time stands still: others keep the build from running. */
export class BuildDeadline {
  #clock: Clock;
  #onOver: () => void;
  /** Null: no limit. */
  #leftMs: number | null;
  #timer: Timer | undefined;
  #startedAt = 0;
  /** Steps that wait for locks. */
  #waits = 0;

  /** `ranMs`: how much of `maxMs` the build had used at the engine where it ran before. */
  constructor(clock: Clock, { maxMs, ranMs }: { maxMs: number | null; ranMs: number }, onOver: () => void) {
    this.#clock = clock;
    this.#onOver = onOver;
    this.#leftMs = maxMs === null ? null : Math.max(0, maxMs - ranMs);
    this.#run();
  }

  /** Calls `wait` while the time stands still. */
  async during<T>(wait: () => Promise<T>): Promise<T> {
    this.#waits += 1;
    if (this.#waits === 1) this.#halt();
    try {
      return await wait();
    } finally {
      this.#waits -= 1;
      if (this.#waits === 0) this.#run();
    }
  }

  /** The build is over. */
  cancel(): void {
    this.#halt();
    this.#leftMs = null;
  }

  #run(): void {
    if (this.#leftMs === null) return;
    this.#startedAt = this.#clock.now();
    this.#timer = this.#clock.after(this.#leftMs, this.#onOver);
  }

  #halt(): void {
    if (this.#leftMs === null || this.#timer === undefined) return;
    this.#timer.cancel();
    this.#timer = undefined;
    this.#leftMs = Math.max(0, this.#leftMs - (this.#clock.now() - this.#startedAt));
  }
}
