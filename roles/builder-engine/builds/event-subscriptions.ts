import type { Logger } from "@multimaster/core";

interface Subscription {
  unsubscribe(): Promise<void> | void;
}

/**
 * The subscriptions of a service. They are made without waiting: with the router away they come into force when it is
 * back, and until then the service's poll does the work.
 */
export class EventSubscriptions {
  #log: Logger;
  #subscribe: (() => Promise<Subscription>)[] = [];
  #made: Promise<Subscription | undefined>[] = [];

  constructor(log: Logger) {
    this.#log = log;
  }

  add(subscribe: () => Promise<Subscription>): void {
    this.#subscribe.push(subscribe);
  }

  start(): void {
    this.#made = this.#subscribe.map((subscribe) =>
      subscribe().catch((error: unknown) => {
        this.#log.warn({ err: error }, "a subscription failed; polling goes on");
        return undefined;
      }),
    );
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#made.map(async (made) => {
        try {
          await (await made)?.unsubscribe();
        } catch (error) {
          this.#log.debug({ err: error }, "a subscription could not be ended");
        }
      }),
    );
    this.#made = [];
  }
}
