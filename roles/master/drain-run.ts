import type { OpenOrder } from "@multimaster/cluster";
import { type Clock, type Logger, onAbort, type Work, waitAtMost } from "@multimaster/core";
import type { Data, DrainedWork } from "@multimaster/data";

/** What can be drained: a whole master, or one of its roles. */
export interface Drainable {
  drain(signal: AbortSignal): Promise<void>;
  resume(): Promise<void>;
  stop(): Promise<void>;
  left(): Work;
  /** Ready no more from now on; `left` is up to date when it resolves. */
  prepareDrain(): Promise<void>;
}

export interface DrainRunOptions {
  /** Undefined when the order could not be written down: then no one hears how far it is. */
  readonly orderid: number | undefined;
  readonly target: Drainable;
  /** The roles that leave. */
  readonly roles: readonly string[];
  readonly data: Data;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How long the release of running builds may take when a drain has to end now. */
const releaseLimitMs = 10_000;
const progressMs = 1000;
/** How long an absent database may delay a drain that reports its progress. */
const reportLimitMs = 2000;

/** One drain from its order to its report. Its row is kept in step with it as well as the database allows. */
export class DrainRun {
  readonly orderid: number | undefined;
  #options: DrainRunOptions;
  #now = new AbortController();
  #undone = new AbortController();
  #deadline: { cancel(): void } | undefined;
  #drained: DrainedWork | undefined;
  /** What there was at the beginning. */
  #before: Work = {};

  constructor(options: DrainRunOptions) {
    this.#options = options;
    this.orderid = options.orderid;
  }

  /** What the row says now: another deadline, or that the drain was undone. */
  update({ deadlineIn, undone }: Pick<OpenOrder, "deadlineIn" | "undone">): void {
    this.#deadline?.cancel();
    this.#deadline = undefined;
    if (undone && !this.#now.signal.aborted) this.#undone.abort();
    if (deadlineIn === null) return;
    if (deadlineIn <= 0) this.force("the deadline of the drain has passed");
    else {
      const ms = Math.min(deadlineIn * 1000, 2 ** 31 - 1);
      this.#deadline = this.#options.clock.after(ms, () => this.force("the deadline of the drain has passed"));
    }
  }

  /** Running builds are released immediately. */
  force(reason: string): void {
    if (!this.#now.signal.aborted) this.#now.abort(reason);
  }

  /** Drains; resolves to "undone" when that was taken back and the target works as before. */
  async run(): Promise<"drained" | "undone"> {
    const { target, log, clock } = this.#options;
    await this.#within(reportLimitMs, async () => {
      await target.prepareDrain();
      await this.#begin();
    });
    for (;;) {
      const over = new AbortController();
      const reporting = this.#reportProgress(over.signal);
      const undone = whenAborted(this.#undone.signal, over.signal).then(() => "undone" as const);
      const ended = await Promise.race([this.#drain(target).then(() => "drained" as const), undone]);
      if (ended === "undone") await target.resume();
      over.abort();
      await waitAtMost(clock, reportLimitMs, reporting);
      if (ended === "drained" || (await this.#settleUndone())) {
        this.#deadline?.cancel();
        if (ended === "undone") log.info({ orderid: this.orderid }, "the drain was undone: work is taken on again");
        return ended;
      }
      // Ordered again while it was being undone.
      this.#undone = new AbortController();
    }
  }

  /** Writes the last figures: what was drained has been stopped, and has given everything back. */
  async report(): Promise<void> {
    const { orderid } = this;
    if (orderid === undefined) return;
    await this.#within(reportLimitMs, async () => {
      const work = Object.fromEntries(Object.keys(this.#before).map((name) => [name, 0]));
      const drained = this.#before.builds === undefined ? undefined : this.#drained;
      const { data, roles } = this.#options;
      await data.updates.orders.end(orderid, "done", { work, drained, roles, before: this.#before });
    });
  }

  async #begin(): Promise<void> {
    const { data, target } = this.#options;
    if (this.orderid === undefined) return;
    this.#before = target.left();
    this.#drained = await data.updates.orders.begin(this.orderid, this.#before);
  }

  /** Writes that wait for a database which does not come back must not hold up what has to end now. */
  async #drain(target: Drainable): Promise<void> {
    const { clock } = this.#options;
    const over = new AbortController();
    const giveUp = whenAborted(this.#now.signal, over.signal)
      .then(() => clock.sleep(releaseLimitMs, over.signal))
      .then(() => (over.signal.aborted ? undefined : target.stop()));
    await Promise.race([target.drain(this.#now.signal), giveUp]);
    over.abort();
  }

  async #reportProgress(over: AbortSignal): Promise<void> {
    const { data, target, clock } = this.#options;
    const { orderid } = this;
    if (orderid === undefined) return;
    while (!over.aborted) {
      await clock.sleep(progressMs, over);
      if (over.aborted) return;
      try {
        await data.updates.orders.progress(orderid, target.left(), this.#drained);
      } catch (error) {
        this.#options.log.debug({ err: error, orderid }, "the progress of a drain could not be told");
      }
    }
  }

  /** False when the drain has been ordered again meanwhile. */
  async #settleUndone(): Promise<boolean> {
    if (this.orderid === undefined) return true;
    const { data, target, log } = this.#options;
    try {
      return await data.updates.orders.end(this.orderid, "undone", { work: target.left() });
    } catch (error) {
      // The next poll of open orders ends it.
      log.warn({ err: error, orderid: this.orderid }, "the end of a drain could not be written");
      return true;
    }
  }

  async #within(ms: number, act: () => Promise<void>): Promise<void> {
    const { clock, log } = this.#options;
    const acting = act().catch((error: unknown) => {
      log.warn({ err: error, orderid: this.orderid }, "the cluster could not be told how far the drain is");
    });
    await waitAtMost(clock, ms, acting);
  }
}

/** Resolves when `signal` aborts; never when `unless` aborts before. */
function whenAborted(signal: AbortSignal, unless: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const ignore = onAbort(signal, resolve);
    onAbort(unless, ignore);
  });
}
