import { findContradiction, findStrongerUse, type LockUseConfig } from "@multimaster/config";
import { type Clock, type Failure, type Logger, onAbort, type Service, WakeupLoop } from "@multimaster/core";
import { type Data, type LockUse, locks, type TakenLock } from "@multimaster/data";
import type { ConfiguredBuilder } from "../builds/configured-builder.ts";
import { EventSubscriptions } from "../builds/event-subscriptions.ts";
import { Abandoned, type Persistence } from "../builds/persistence.ts";
import type { LockMetrics, LockUser } from "./lock-metrics.ts";
import { definedLocks } from "./lock-uses.ts";

export interface StepLocksOptions {
  /** By id, as the config has them now. */
  builders: ReadonlyMap<number, ConfiguredBuilder>;
  data: Data;
  persistence: Persistence;
  metrics: LockMetrics;
  clock: Clock;
  log: Logger;
}

/** A step and all that it wants. */
export interface StepWish {
  readonly buildrequestid: number;
  readonly stepid: number;
  readonly uses: readonly LockUse[];
}

interface Waiting {
  readonly wish: StepWish;
  lockids: readonly number[];
  readonly since: number;
  readonly resolve: (taken: readonly TakenLock[]) => void;
}

const pollMs = 5000;

/** The running steps of this engine that wait for locks: all are tried in one transaction, and only who has them goes on. */
export class StepLocks implements Service {
  readonly name = "step-locks";
  #options: StepLocksOptions;
  #loop: WakeupLoop;
  #events: EventSubscriptions;
  #waiting = new Map<number, Waiting>();

  constructor(options: StepLocksOptions) {
    const { data, clock, log } = options;
    this.#options = options;
    this.#loop = new WakeupLoop({ name: this.name, clock, log, pollMs, poll: () => this.#poll() });
    this.#events = new EventSubscriptions(log);
    this.#events.add(() =>
      data.events.on(locks, "released", ({ id }) => {
        for (const { lockids } of this.#waiting.values()) if (lockids.includes(id)) return this.#loop.wake();
      }),
    );
  }

  async start(): Promise<void> {
    this.#events.start();
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#events.stop();
    await this.#loop.stop();
  }

  failure(): Failure | undefined {
    return this.#loop.failure();
  }

  /** Why a step cannot have what a function has named, or what a build adds: its build has `held`. */
  refuse(uses: readonly LockUseConfig[], held: readonly LockUseConfig[]): string | undefined {
    return findContradiction(uses, definedLocks(this.#options.builders)) ?? findStrongerUse(held, uses);
  }

  /** Resolves when the step has all of them; rejects with the signal's reason when it aborts before. */
  async take(wish: StepWish, signal: AbortSignal): Promise<readonly TakenLock[]> {
    const { data, persistence, metrics, clock } = this.#options;
    const [answer] = await persistence.write(`take locks of step ${wish.stepid}`, () =>
      data.updates.locks.takeForSteps([{ ...wish, hasWaited: false }]),
    );
    if (answer?.kind === "taken") {
      metrics.took("step", answer.locks.length);
      return answer.locks;
    }
    return new Promise((resolve, reject) => {
      this.#waiting.set(wish.stepid, { wish, lockids: answer?.lockids ?? [], since: clock.now(), resolve });
      metrics.waiting("step", this.#waiting.size);
      onAbort(signal, () => {
        if (!this.#endWait(wish.stepid)) return;
        reject(signal.reason);
        this.#withdraw(wish);
      });
      // A release may have come between the answer and this.
      this.#loop.wake();
    });
  }

  /** A build or step that had these locks has ended. Should this fail, they are free all the same, and waiters find out when they poll. */
  async release(of: LockUser, holdids: readonly number[]): Promise<void> {
    const { data, metrics, log } = this.#options;
    if (holdids.length === 0) return;
    metrics.released(of, holdids.length);
    try {
      await data.updates.locks.release(holdids);
    } catch (error) {
      log.warn({ err: error }, "the release of locks could not be written; waiters find it when they next poll");
    }
  }

  #withdraw({ buildrequestid, stepid }: StepWish): void {
    const { data, log } = this.#options;
    data.updates.locks.withdraw([{ buildrequestid, stepid }]).catch((error: unknown) => {
      log.debug({ err: error, stepid }, "a step's wait for locks could not be deleted; it ends with the step");
    });
  }

  async #poll(): Promise<void> {
    const { data, persistence } = this.#options;
    const asked = [...this.#waiting.values()];
    if (asked.length === 0) return;
    try {
      const answers = await persistence.write("take locks of waiting steps", () =>
        data.updates.locks.takeForSteps(asked.map(({ wish }) => ({ ...wish, hasWaited: true }))),
      );
      for (const [i, waiting] of asked.entries()) {
        const answer = answers[i];
        if (answer?.kind === "waits") waiting.lockids = answer.lockids;
        else if (answer?.kind === "taken") await this.#grant(waiting, answer.locks);
      }
    } catch (error) {
      // Nothing may be written any more: the steps end with their builds.
      if (!(error instanceof Abandoned)) throw error;
    }
  }

  async #grant(waiting: Waiting, taken: readonly TakenLock[]): Promise<void> {
    const { metrics, clock } = this.#options;
    metrics.took("step", taken.length);
    metrics.waited("step", clock.now() - waiting.since);
    if (this.#endWait(waiting.wish.stepid)) waiting.resolve(taken);
    // It was stopped meanwhile.
    else
      await this.release(
        "step",
        taken.map(({ holdid }) => holdid),
      );
  }

  #endWait(stepid: number): boolean {
    const waited = this.#waiting.delete(stepid);
    this.#options.metrics.waiting("step", this.#waiting.size);
    return waited;
  }
}
