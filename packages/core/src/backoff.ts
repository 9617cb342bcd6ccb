export interface BackoffOptions {
  /** First delay in milliseconds. */
  initial: number;
  /** Largest delay in milliseconds. */
  max: number;
  /** How much longer each delay is than the one before; default: twice as long. */
  factor?: number;
}

/** Delays that grow up to a maximum. Up to half of each is jitter, so that many clients do not return at the same time. */
export class Backoff {
  #options: BackoffOptions;
  #next: number;

  constructor(options: BackoffOptions) {
    this.#options = options;
    this.#next = options.initial;
  }

  /** The next delay in milliseconds. */
  next(): number {
    const delay = this.#next;
    this.#next = Math.min(delay * (this.#options.factor ?? 2), this.#options.max);
    return delay / 2 + (Math.random() * delay) / 2;
  }

  /** Starts over, after a success. */
  reset(): void {
    this.#next = this.#options.initial;
  }
}
