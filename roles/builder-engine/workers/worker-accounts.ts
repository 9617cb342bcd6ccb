import { type Clock, type Failure, type Logger, type Service, WakeupLoop } from "@multimaster/core";
import { type AcceptedWorker, type Data, workerAccounts } from "@multimaster/data";
import { EventSubscriptions } from "../builds/event-subscriptions.ts";
import { FreshRows } from "./fresh-rows.ts";

export interface WorkerAccountsOptions {
  readonly data: Data;
  readonly clock: Clock;
  readonly log: Logger;
  /** Takes the workers that may connect from now on, before any of them is accepted. */
  accept(workers: readonly AcceptedWorker[]): Promise<void>;
}

/** A worker that was revoked is disconnected after this time at the latest, also without messages. */
const pollMs = 3000;

/** Follows the accounts of workers in the rows: new ones are accepted without a restart, revoked ones no longer. */
export class WorkerAccounts implements Service {
  readonly name = "worker-accounts";
  readonly #loop: WakeupLoop;
  readonly #events: EventSubscriptions;
  readonly #rows: FreshRows;
  #version: string | undefined;

  constructor({ data, clock, log, accept }: WorkerAccountsOptions) {
    this.#events = new EventSubscriptions(log);
    this.#rows = new FreshRows({
      clock,
      read: async () => {
        const found = await data.updates.workerAccounts.accepted(this.#version);
        if (found === undefined) return;
        await accept(found.workers);
        this.#version = found.version;
      },
    });
    this.#loop = new WakeupLoop({
      name: this.name,
      clock,
      log,
      pollMs,
      poll: async () => {
        try {
          await this.#rows.read();
        } catch (error) {
          // Workers that are known stay: the database decides again when it is back.
          if (!data.isDatabaseAway(error)) throw error;
        }
      },
    });
    this.#events.add(() => data.events.on(workerAccounts, "new", () => this.#loop.wake()));
    this.#events.add(() => data.events.on(workerAccounts, "revoked", () => this.#loop.wake()));
  }

  async start(): Promise<void> {
    this.#events.start();
    this.#loop.start();
  }

  /** Takes what is in the rows now, for a worker that is not known here; false: they could not be read in time. */
  refresh(): Promise<boolean> {
    return this.#rows.ask();
  }

  failure(): Failure | undefined {
    return this.#loop.failure();
  }

  async stop(): Promise<void> {
    await this.#events.stop();
    await this.#loop.stop();
  }
}
