import {
  type Clock,
  type Failure,
  type Logger,
  onAbort,
  type Result,
  type Service,
  WakeupLoop,
} from "@multimaster/core";
import { buildsets, type Data } from "@multimaster/data";
import { EventSubscriptions } from "./event-subscriptions.ts";

export interface AwaitedBuildsetsOptions {
  data: Data;
  clock: Clock;
  log: Logger;
}

/**
 * The buildsets whose end steps of this engine wait for. They are read from the rows: when a message says that one
 * is complete, and from time to time.
 */
export class AwaitedBuildsets implements Service {
  readonly name = "awaited-buildsets";
  #data: Data;
  #loop: WakeupLoop;
  #events: EventSubscriptions;
  #waiting = new Map<number, Set<(results: Result) => void>>();

  constructor({ data, clock, log }: AwaitedBuildsetsOptions) {
    this.#data = data;
    this.#loop = new WakeupLoop({ name: this.name, clock, log, pollMs: 3000, poll: () => this.#look() });
    this.#events = new EventSubscriptions(log);
    this.#events.add(() =>
      data.events.on(
        buildsets,
        "complete",
        ({ id }) => {
          if (this.#waiting.has(id)) this.#loop.wake();
        },
        {
          early: () => {
            if (this.#waiting.size > 0) this.#loop.wake();
          },
        },
      ),
    );
  }

  async start(): Promise<void> {
    this.#events.start();
    this.#loop.start();
  }

  failure(): Failure | undefined {
    return this.#loop.failure();
  }

  async stop(): Promise<void> {
    await this.#events.stop();
    await this.#loop.stop();
  }

  /** Resolves to the buildset's results when it is complete; rejects with the signal's reason when that aborts. */
  async wait(bsid: number, signal: AbortSignal): Promise<Result> {
    signal.throwIfAborted();
    const waiters = this.#waiting.get(bsid) ?? new Set();
    this.#waiting.set(bsid, waiters);
    let leave = () => {};
    try {
      return await new Promise<Result>((resolve, reject) => {
        const stopped = () => reject(signal.reason);
        waiters.add(resolve);
        const ignore = onAbort(signal, stopped);
        leave = () => {
          waiters.delete(resolve);
          ignore();
        };
        // It may be complete already.
        this.#loop.wake();
      });
    } finally {
      leave();
      if (waiters.size === 0 && this.#waiting.get(bsid) === waiters) this.#waiting.delete(bsid);
    }
  }

  async #look(): Promise<void> {
    if (this.#waiting.size === 0) return;
    try {
      for (const [bsid, results] of await this.#data.updates.triggers.completed([...this.#waiting.keys()])) {
        for (const resolve of this.#waiting.get(bsid) ?? []) resolve(results);
      }
    } catch (error) {
      if (!this.#data.isDatabaseAway(error)) throw error;
    }
  }
}
