import { hostname } from "node:os";
import type { Bus } from "@multimaster/bus";
import {
  createHeartbeat,
  DATA_VERSION,
  isLeaseLoss,
  joinCluster,
  type Lease,
  LeaseLost,
  leaveCluster,
  setState,
} from "@multimaster/cluster";
import type { LoadedConfig } from "@multimaster/config";
import { createMetrics, type Logger, runServices, type Service, systemClock } from "@multimaster/core";
import { createBurialService, createData, type Data, publishBurial } from "@multimaster/data";
import type { Database } from "@multimaster/database";
import type { Role } from "./define-role.ts";
import { roleNames } from "./index.ts";

/** How long running builds may take to be given back when a master is told to end now. */
const giveBackMs = 10_000;

/** What every term of this master has in common. */
export interface TermPlan {
  readonly config: LoadedConfig;
  readonly roles: readonly { role: Role<unknown>; slice: unknown }[];
  readonly builderSets: readonly string[];
  readonly name?: string;
  readonly release: string;
  readonly database: Database;
  readonly bus: Bus;
  readonly log: Logger;
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
  /** Runs until `draining` aborts and the work in hand is done, until `now` aborts, or until the lease is lost. */
  run(draining: AbortSignal, now: AbortSignal): Promise<"stopped" | "lost">;
}

/** Joins the cluster and starts all services; if one cannot start, the cluster is left again. */
export async function beginTerm(plan: TermPlan): Promise<Term> {
  const { database, bus, config } = plan;
  const names = plan.roles.map(({ role }) => role.name);
  const { lease, burials } = await joinCluster(database, {
    name: plan.name,
    defaultBase: `${hostname()}-${names.length === roleNames.length ? "all" : names.join("+")}`,
    roles: names,
    builderSets: names.includes("builder-engine") ? plan.builderSets : [],
    release: plan.release,
    dataVersion: DATA_VERSION,
    leaseMs: config.shared.lease,
    host: hostname(),
    pid: process.pid,
  });
  const log = plan.log.child({ master: lease.name, epoch: lease.epoch });
  const data = createData({ database, bus, lease, log, clock: systemClock });

  const lost = new AbortController();
  const services = runServices(
    [
      createHeartbeat({ url: database.url, lease, log, onLost: () => lost.abort() }),
      createBurialService({ updates: data.updates, leaseMs: lease.leaseMs, clock: systemClock, log }),
      ...roleServices(plan, lease, data, log, lost.signal, () => services.ready()),
    ],
    log,
  );

  const leave = async () => {
    await services.stop();
    try {
      const left = await leaveCluster(database, lease);
      if (left) await publishBurial(data.events, left);
    } catch (error) {
      if (!isDatabaseAway(database, error)) throw error;
      log.warn({ err: error }, "the database is away: the others learn of this master's end when its lease expires");
    }
  };

  /** Writes that wait for a database which does not come back must not hold up a master that is told to end now. */
  const drain = async (force: AbortSignal) => {
    const impatience = new AbortController();
    const giveUp = whenAborted([force])
      .then(() => systemClock.sleep(giveBackMs, impatience.signal))
      .then(() => (impatience.signal.aborted ? undefined : services.stop()));
    await Promise.race([services.drain(force), giveUp]);
    impatience.abort();
  };

  try {
    for (const burial of burials) await publishBurial(data.events, burial);
    await services.start();
    await setState(database, lease, "running");
  } catch (error) {
    // Whoever found out first says so in its own words: what it was doing did not fail by itself.
    if (lost.signal.aborted || isLeaseLoss(error)) {
      await services.stop();
      throw new LeaseLost(lease);
    }
    await leave();
    throw error;
  }
  await data.updates.masters.announceStarted();
  log.info("master is ready");

  return {
    async run(draining, now) {
      try {
        return await runUntilEnd(draining, now);
      } catch (error) {
        // Whatever went wrong, no heartbeat may keep the lease for a master that does nothing any more.
        await services.stop();
        throw error;
      }
    },
  };

  async function runUntilEnd(draining: AbortSignal, now: AbortSignal): Promise<"stopped" | "lost"> {
    await whenAborted([draining, lost.signal]);
    if (!lost.signal.aborted) {
      log.info("stopping: nothing new is taken on, running builds finish");
      await tryToTell(() => setState(database, lease, "draining"), log);
      const deadline = config.shared.drainDeadline;
      const force = AbortSignal.any([
        now,
        lost.signal,
        ...(deadline === undefined ? [] : [AbortSignal.timeout(deadline)]),
      ]);
      await drain(force);
    }
    if (lost.signal.aborted) {
      await services.stop();
      return draining.aborted ? "stopped" : "lost";
    }
    await leave();
    log.info("stopped");
    return "stopped";
  }
}

function roleServices(
  plan: TermPlan,
  lease: Lease,
  data: Data,
  log: Logger,
  lost: AbortSignal,
  ready: () => true | string[],
): Service[] {
  const { directory, shared } = plan.config;
  const master = { name: lease.name, masterid: lease.masterid };
  const addresses = new Map<string, string>();
  const listening = (service: string, url: string) => {
    addresses.set(service, url);
    log.info({ service, url }, "listening");
  };
  const common = { master, data, clock: systemClock, log, metrics: createMetrics(), lost, listening, ready };
  return [
    ...plan.roles.flatMap(({ role, slice }) => role.services({ ...common, config: { own: slice, shared, directory } })),
    ...(plan.extraServices?.({ data, log, addresses }) ?? []),
  ];
}

function whenAborted(signals: readonly AbortSignal[]): Promise<void> {
  const any = AbortSignal.any([...signals]);
  if (any.aborted) return Promise.resolve();
  return new Promise((resolve) => any.addEventListener("abort", () => resolve(), { once: true }));
}

/** Whether an error is of the database's absence: to be waited out, and nobody's mistake. */
export function isDatabaseAway(database: Database, error: unknown): boolean {
  if (database.dialect.isConnectionLoss(error)) return true;
  return error instanceof Error && error.cause !== undefined && isDatabaseAway(database, error.cause);
}

/** What others only like to know: a lost lease or an absent database is dealt with elsewhere. */
async function tryToTell(act: () => Promise<void>, log: Logger): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof LeaseLost))
      log.warn({ err: error }, "the cluster could not be told that this master drains");
  }
}
