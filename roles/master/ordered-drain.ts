import type { OpenOrder } from "@multimaster/cluster";

/** The order to drain that the term has not acted on yet. */
export class OrderedDrain {
  #order: OpenOrder | undefined;
  #given = new AbortController();

  get signal(): AbortSignal {
    return this.#given.signal;
  }

  set(order: OpenOrder): void {
    this.#order = order;
    this.#given.abort();
  }

  take(): OpenOrder | undefined {
    const order = this.#order;
    this.#order = undefined;
    this.#given = new AbortController();
    return order;
  }
}
