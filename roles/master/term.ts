import { isLeaseLoss, LeaseLost, leaveCluster } from "@multimaster/cluster";
import { onAbort, systemClock, waitAtMost } from "@multimaster/core";
import { publishOutcomes } from "@multimaster/data";
import { releaseEverythingOf } from "@multimaster/lifecycle";
import { joinAndAssemble, type MasterParts } from "./assemble-master.ts";
import { DrainRun } from "./drain-run.ts";
import type { TermPlan } from "./term-plan.ts";

/** Why a term ended; after all but the first another one begins. */
export type TermEnd = "stopped" | "lost" | "died";

/** How long a database that is away may hold up the news of a drain. */
const reportMs = 2000;

/** Joins the cluster and starts all services; if one cannot start, the cluster is left again. */
export async function beginTerm(plan: TermPlan): Promise<Term> {
  const term = new Term(plan, await joinAndAssemble(plan));
  await term.start();
  return term;
}

/** A master's time under one lease: from joining to leaving, or to losing the lease. */
export class Term {
  #plan: TermPlan;
  #parts: MasterParts;

  constructor(plan: TermPlan, parts: MasterParts) {
    this.#plan = plan;
    this.#parts = parts;
  }

  /** Starts what every master runs, then its roles; leaves the cluster when something cannot start. */
  async start(): Promise<void> {
    const { data, base, hosts, lease, lost, evictions } = this.#parts;
    try {
      for (const { outcomes } of evictions) {
        await publishOutcomes(data.events, outcomes);
        data.updates.logs.compress(outcomes.finishedLogs);
      }
      await base.start();
      await hosts.start();
      await data.updates.masters.setState("running");
    } catch (error) {
      // Losing the lease is the cause; what failed because of it did not fail by itself.
      if (lost.aborted || isLeaseLoss(error)) {
        await this.#stop("again");
        throw new LeaseLost(lease);
      }
      await this.#leave();
      throw error;
    }
    await data.updates.masters.publishStarted();
    this.#plan.log.info("master is ready");
  }

  /** Writes down that a signal asks this master to take over a new config. */
  async orderReconfig(): Promise<void> {
    await this.#parts.data.updates.orders.reconfigMyself();
  }

  /**
   * Runs until the master is to end (`draining` aborts, or an order asks for it) and the work in hand is done, until
   * `now` aborts, until the lease is lost, or until a thread has died whose claims no one knows any more.
   */
  async run(draining: AbortSignal, now: AbortSignal): Promise<TermEnd> {
    try {
      return await this.#runUntilEnd(draining, now);
    } catch (error) {
      // No heartbeat may keep the lease for a master that does nothing any more.
      await this.#stop();
      throw error;
    }
  }

  async #runUntilEnd(draining: AbortSignal, now: AbortSignal): Promise<TermEnd> {
    const { data, orders, ordered, lost, died } = this.#parts;
    for (;;) {
      await whenAborted([draining, lost, died, ordered.signal]);
      if (lost.aborted) {
        await this.#stop(draining.aborted ? "end" : "again");
        return draining.aborted ? "stopped" : "lost";
      }
      if (died.aborted && !draining.aborted) {
        await this.#leave("again");
        return "died";
      }
      const run = await this.#beginDrain(draining);
      const ended = await this.#endDrain(run, draining, now);
      orders.forget(run);
      if (lost.aborted) {
        // It was to end anyway: the master that evicted it has released its work.
        await this.#stop();
        return "stopped";
      }
      if (ended === "undone") {
        await this.#report(() => data.updates.masters.setState("running"));
        continue;
      }
      await this.#leave();
      await run.report();
      await data.updates.close();
      this.#plan.log.info("stopped");
      return "stopped";
    }
  }

  /** The drain that was ordered, or the one that a signal asks for. */
  async #beginDrain(draining: AbortSignal): Promise<DrainRun> {
    const { data, hosts, orders, ordered } = this.#parts;
    const { log } = this.#plan;
    const order = ordered.take();
    log.info({ reason: order?.reason ?? "signal" }, "stopping: nothing new is taken on, running builds finish");
    const [orderid] = await Promise.all([
      order?.orderid ?? (draining.aborted ? this.#orderDrain() : undefined),
      this.#report(() => data.updates.masters.setState("draining")),
    ]);
    const run = new DrainRun({ orderid, target: hosts, roles: hosts.names, data, clock: systemClock, log });
    run.update(order ?? { deadlineIn: this.#deadlineIn, undone: false });
    orders.follow(run);
    return run;
  }

  /** Runs it; a signal that comes meanwhile makes it final, a second one ends it now. */
  async #endDrain(run: DrainRun, draining: AbortSignal, now: AbortSignal): Promise<"drained" | "undone"> {
    const over = new AbortController();
    const when = (signal: AbortSignal, act: () => void) => {
      const ignore = onAbort(signal, act);
      onAbort(over.signal, ignore);
    };
    when(now, () => run.force("the master was told to end at once"));
    when(this.#parts.lost, () => run.force("the lease is lost"));
    if (!draining.aborted) when(draining, () => void this.#orderDrain());
    const ended = await run.run();
    over.abort();
    return ended;
  }

  /** Writes down that a signal asked this master to end. */
  #orderDrain(): Promise<number | undefined> {
    return this.#report(() => this.#parts.data.updates.orders.drainMyself(this.#deadlineIn, "signal"));
  }

  /** Seconds after which a drain by signal releases running builds; null: never. */
  get #deadlineIn(): number | null {
    const deadline = this.#plan.config.shared.drainDeadline;
    return deadline === undefined ? null : deadline / 1000;
  }

  /** A best-effort report to the cluster: it is not waited for long, and a lost lease is noticed elsewhere. */
  async #report<T>(write: () => Promise<T>): Promise<T | undefined> {
    const writing = write().catch((error: unknown) => {
      if (!isLeaseLoss(error))
        this.#plan.log.warn({ err: error }, "this master's drain could not be reported to the cluster");
      return undefined;
    });
    return waitAtMost(systemClock, reportMs, writing);
  }

  /** `again`: roles that hold nothing go on until this master has joined again. */
  async #stop(then: "end" | "again" = "end"): Promise<void> {
    const { hosts, base } = this.#parts;
    await (then === "end" ? hosts.stop() : hosts.leave());
    await base.stop();
  }

  async #leave(then: "end" | "again" = "end"): Promise<void> {
    const { database, log } = this.#plan;
    const { data, lease } = this.#parts;
    await this.#stop(then);
    try {
      const left = await leaveCluster(database, lease, releaseEverythingOf);
      if (left) await publishOutcomes(data.events, left.outcomes);
    } catch (error) {
      if (!database.dialect.isAway(error)) throw error;
      log.warn({ err: error }, "the database is away: the others learn of this master's end when its lease expires");
    }
  }
}

function whenAborted(signals: readonly AbortSignal[]): Promise<void> {
  const any = AbortSignal.any([...signals]);
  return new Promise((resolve) => void onAbort(any, resolve));
}
