/** The least of a frame that must arrive in a millisecond: 8 KiB a second. */
const slowestBytesPerMs = 8.192;

/**
 * How long the frame that is arriving has taken. A peer that sends a byte of it now and then is never silent, and keeps
 * what has arrived in memory for ever; so a frame has a time, and more of it the more of the frame has arrived.
 */
export class FrameTime {
  #bytes = 0;
  #began: number | undefined;

  /** Bytes of a frame have arrived. */
  take(bytes: number, now: number): void {
    this.#began ??= now;
    this.#bytes += bytes;
  }

  /** Of the bytes that were taken, so many belong to no frame. */
  discount(bytes: number): void {
    this.#bytes = Math.max(0, this.#bytes - bytes);
    if (this.#bytes === 0) this.#began = undefined;
  }

  /** The frame is complete, or nothing is read meanwhile. */
  reset(): void {
    this.#bytes = 0;
    this.#began = undefined;
  }

  /** Whether the frame takes longer than `ms` and what the slowest line needs for what has arrived. */
  isLate(now: number, ms: number): boolean {
    return this.#began !== undefined && now - this.#began > ms + this.#bytes / slowestBytesPerMs;
  }
}
