import { hostname } from "node:os";
import type { Bus } from "@multimaster/bus";
import {
  createDataVersionService,
  createHeartbeat,
  createPartitionDetection,
  createPeerLeftHints,
  createWriteProbe,
  isLeaseLoss,
  joinCluster,
  type Lease,
  LeaseLost,
  LoopSign,
  leaveCluster,
  type OpenOrder,
} from "@multimaster/cluster";
import type { LoadedConfig } from "@multimaster/config";
import {
  createMetrics,
  type Logger,
  onAbort,
  type Registry,
  type RunOptions,
  runServices,
  type Service,
  systemClock,
  waitAtMost,
} from "@multimaster/core";
import { createData, createEvictionService, type Data, publishOutcomes } from "@multimaster/data";
import { type Database, dataVersions } from "@multimaster/database";
import { releaseEverythingOf } from "@multimaster/lifecycle";
import { roleNames } from "../index.ts";
import { DrainRun } from "./drain-run.ts";
import { createFailureReports } from "./failure-reports.ts";
import { HostedRoles, type SelectedRole, type Selection } from "./hosted-roles.ts";
import { createLoopDelay } from "./loop-delay.ts";
import { createMasterMetrics } from "./master-metrics.ts";
import { createMonitor } from "./monitor.ts";
import { Orders } from "./orders.ts";

/** What every term of this master has in common. */
export interface TermPlan {
  readonly config: LoadedConfig;
  /** Roles come and go while the master runs; the next term has those of the last. */
  readonly selection: Selection;
  readonly name?: string;
  readonly release: string;
  readonly database: Database;
  readonly bus: Bus;
  readonly log: Logger;
  /** What every line of that log tells of this master; each term writes its own facts into it. */
  readonly identity: { service: string; master?: string; epoch?: number };
  /** Loads a role that is added while the master runs. */
  loadRole(name: string, builderSets: readonly string[] | undefined): Promise<SelectedRole>;
  extraServices?(context: ExtraContext): readonly Service[];
}

/** What services that belong to no role work with. */
export interface ExtraContext {
  readonly data: Data;
  readonly log: Logger;
  /** Where services of the roles listen, by name; complete when the extra services start. */
  readonly addresses: ReadonlyMap<string, string>;
}

/** A master's time under one lease: from joining to leaving, or to losing the lease. */
export interface Term {
  /**
   * Runs until the master is to end (`draining` aborts, or somebody orders it) and the work in hand is done, until `now`
   * aborts, or until the lease is lost.
   */
  run(draining: AbortSignal, now: AbortSignal): Promise<"stopped" | "lost">;
}

/** How long a database that is away may hold up the news of a drain. */
const tellMs = 2000;

/** Joins the cluster and starts all services; if one cannot start, the cluster is left again. */
export async function beginTerm(plan: TermPlan): Promise<Term> {
  const { database, bus, config, selection } = plan;
  const names = selection.roles.map(({ role }) => role.name);
  const { lease, evictions } = await joinCluster(
    database,
    {
      name: plan.name,
      defaultBase: `${hostname()}-${names.length === roleNames.length ? "all" : names.join("+")}`,
      roles: names,
      builderSets: names.includes("builder-engine") ? selection.builderSets : [],
      release: plan.release,
      dataVersions,
      leaseMs: config.shared.lease,
      host: hostname(),
      pid: process.pid,
    },
    releaseEverythingOf,
  );
  const { log } = plan;
  Object.assign(plan.identity, { master: lease.name, epoch: lease.epoch });
  const writes = createWriteProbe({ database, lease, clock: systemClock, log });
  const data = createData({ database, bus, lease, writes, log, clock: systemClock });

  const metrics = createMetrics();
  const loop = new LoopSign();
  const lost = new AbortController();
  const ordered = new OrderedDrain();
  const hosts = hostRoles(plan, lease, { data, log, metrics, loop, lost: lost.signal }, () => base.ready());
  const orders = new Orders({
    masterid: lease.masterid,
    data,
    hosts,
    selection,
    clock: systemClock,
    log,
    loadRole: plan.loadRole,
    onDrain: (order) => ordered.set(order),
  });
  const heartbeat = createHeartbeat({ url: database.url, lease, log, sign: loop, onLost: () => lost.abort() });
  const watch = createPartitionDetection({
    bus,
    lease,
    heartbeat,
    log,
    onPartition() {
      // Commands on workers are the only thing that goes on outside the database.
      if (hosts.left().builds === undefined) return;
      lost.abort();
      database.breakConnections();
    },
  });
  const eviction = createEvictionService({
    updates: data.updates,
    leaseMs: lease.leaseMs,
    mayEvict: () => watch.mayEvict(),
    clock: systemClock,
    log,
  });
  const base = runServices(
    [
      heartbeat,
      writes,
      watch,
      createDataVersionService({ database, leaseMs: lease.leaseMs, clock: systemClock, log }),
      eviction,
      createPeerLeftHints({ bus, lease, onPeerLeft: (masterid) => eviction.suspect(masterid) }),
      createLoopDelay(metrics, loop),
      createMasterMetrics({ metrics, lease, heartbeat, bus, database, hosts, release: plan.release }),
      ...createMonitor({ config: config.shared, master: lease.name, data, hosts, metrics, log }),
      orders,
      createFailureReports({
        data,
        failures: () => [...base.failures(), ...hosts.failures()],
        clock: systemClock,
        log,
      }),
    ],
    log,
    runOptions(lease, database),
  );

  const stop = async () => {
    await hosts.stop();
    await base.stop();
  };

  const leave = async () => {
    await stop();
    try {
      const left = await leaveCluster(database, lease, releaseEverythingOf);
      if (left) await publishOutcomes(data.events, left.outcomes);
    } catch (error) {
      if (!database.dialect.isAway(error)) throw error;
      log.warn({ err: error }, "the database is away: the others learn of this master's end when its lease expires");
    }
  };

  try {
    for (const { outcomes } of evictions) {
      await publishOutcomes(data.events, outcomes);
      data.updates.logs.compress(outcomes.finishedLogs);
    }
    await base.start();
    await hosts.start();
    await data.updates.masters.setState("running");
  } catch (error) {
    // Whoever found out first says so in its own words: what it was doing did not fail by itself.
    if (lost.signal.aborted || isLeaseLoss(error)) {
      await stop();
      throw new LeaseLost(lease);
    }
    await leave();
    throw error;
  }
  await data.updates.masters.publishStarted();
  log.info("master is ready");

  return {
    async run(draining, now) {
      try {
        return await runUntilEnd(draining, now);
      } catch (error) {
        // Whatever went wrong, no heartbeat may keep the lease for a master that does nothing any more.
        await stop();
        throw error;
      }
    },
  };

  async function runUntilEnd(draining: AbortSignal, now: AbortSignal): Promise<"stopped" | "lost"> {
    for (;;) {
      await whenAborted([draining, lost.signal, ordered.signal]);
      if (lost.signal.aborted) {
        await stop();
        return draining.aborted ? "stopped" : "lost";
      }
      const run = await beginDrain(draining);
      const ended = await endRun(run, draining, now);
      orders.forget(run);
      if (lost.signal.aborted) {
        // It was to end anyway: the master that evicted it has released its work.
        await stop();
        return "stopped";
      }
      if (ended === "undone") {
        await tell(() => data.updates.masters.setState("running"));
        continue;
      }
      await leave();
      await run.report();
      await data.updates.close();
      log.info("stopped");
      return "stopped";
    }
  }

  /** The drain that was ordered, or the one that a signal asks for. */
  async function beginDrain(draining: AbortSignal): Promise<DrainRun> {
    const order = ordered.take();
    log.info({ reason: order?.reason ?? "signal" }, "stopping: nothing new is taken on, running builds finish");
    const deadline = config.shared.drainDeadline;
    const deadlineIn = deadline === undefined ? null : deadline / 1000;
    const told = await Promise.all([
      order?.orderid ??
        (draining.aborted ? tell(() => data.updates.orders.drainMyself(deadlineIn, "signal")) : undefined),
      tell(() => data.updates.masters.setState("draining")),
    ]);
    const run = new DrainRun({ orderid: told[0], target: hosts, roles: hosts.names, data, clock: systemClock, log });
    run.heed(order ?? { deadlineIn, undone: false });
    orders.follow(run);
    return run;
  }

  /** Runs it; a signal that comes meanwhile makes it final, a second one ends it now. */
  async function endRun(run: DrainRun, draining: AbortSignal, now: AbortSignal): Promise<"drained" | "undone"> {
    const over = new AbortController();
    const when = (signal: AbortSignal, act: () => void) => {
      const ignore = onAbort(signal, act);
      onAbort(over.signal, ignore);
    };
    when(now, () => run.force("the master was told to end at once"));
    when(lost.signal, () => run.force("the lease is lost"));
    if (!draining.aborted) {
      const deadline = config.shared.drainDeadline;
      const deadlineIn = deadline === undefined ? null : deadline / 1000;
      when(draining, () => void tell(() => data.updates.orders.drainMyself(deadlineIn, "signal")));
    }
    const ended = await run.run();
    over.abort();
    return ended;
  }

  /** What others only like to know: a lost lease or an absent database is dealt with elsewhere, and not waited for. */
  async function tell<T>(act: () => Promise<T>): Promise<T | undefined> {
    const acting = act().catch((error: unknown) => {
      if (!isLeaseLoss(error)) log.warn({ err: error }, "the cluster could not be told of this master's drain");
      return undefined;
    });
    return waitAtMost(systemClock, tellMs, acting);
  }
}

/** The order to drain that the term has not acted on yet. */
class OrderedDrain {
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

function hostRoles(
  plan: TermPlan,
  lease: Lease,
  parts: { data: Data; log: Logger; metrics: Registry; loop: LoopSign; lost: AbortSignal },
  isReady: () => true | string[],
): HostedRoles {
  const { data, log, metrics } = parts;
  const { directory, shared } = plan.config;
  const master = { name: lease.name, masterid: lease.masterid };
  const addresses = new Map<string, string>();
  const listening = (service: string, url: string) => {
    addresses.set(service, url);
    log.info({ service, url }, "listening");
  };
  const common = { ...parts, master, clock: systemClock, listening };
  // So that a role that is dropped can be added again.
  const metricsOf = new Map<string, Set<string>>();
  return new HostedRoles({
    selection: plan.selection,
    log,
    makeServices({ role, slice }, ready) {
      const before = new Set(metrics.getMetricsAsArray().map(({ name }) => name));
      const services = role.services({ ...common, ready, config: { own: slice, shared, directory } });
      const own = metrics.getMetricsAsArray().map(({ name }) => name);
      metricsOf.set(role.name, new Set(own.filter((name) => !before.has(name))));
      return services;
    },
    onDropped(role) {
      for (const name of metricsOf.get(role) ?? []) metrics.removeSingleMetric(name);
    },
    extra: plan.extraServices?.({ data, log, addresses }) ?? [],
    run: runOptions(lease, plan.database),
    isReady,
  });
}

/** A service that has failed for longer than an eviction takes has more than a bad moment. */
function runOptions({ leaseMs }: Lease, database: Database): RunOptions {
  return { failedAfterMs: 2 * leaseMs, isPassing: (error) => database.dialect.isAway(error) };
}

function whenAborted(signals: readonly AbortSignal[]): Promise<void> {
  const any = AbortSignal.any([...signals]);
  return new Promise((resolve) => void onAbort(any, resolve));
}
