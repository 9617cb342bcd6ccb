import { Backoff } from "@multimaster/core";

/** How an attempt to be connected has ended: a connection was there and broke, a master refused, or none was reached. */
export type Attempt = "dropped" | "refused" | "unreachable";

/**
 * How long a worker waits before it tries to connect again. All pauses vary, so that the workers of a master that ends do
 * not all come back at the same moment. While no master is reached they grow slowly: a restart takes seconds, and a worker
 * should be back soon after it.
 */
export class ReconnectPause {
  #retryMs: number;
  #unreachable: Backoff;

  /** `retryMs` is the pause after a refusal, `maxRetryMs` the longest one while no master listens. */
  constructor(retryMs: number, maxRetryMs: number) {
    this.#retryMs = retryMs;
    this.#unreachable = new Backoff({ initial: Math.min(retryMs / 4, maxRetryMs), max: maxRetryMs, factor: 1.3 });
  }

  /** In milliseconds. */
  after(attempt: Attempt): number {
    if (attempt === "unreachable") return this.#unreachable.next();
    this.#unreachable.reset();
    const [least, most] = attempt === "dropped" ? [0.25, 1] : [0.75, 1.25];
    return this.#retryMs * (least + Math.random() * (most - least));
  }
}
