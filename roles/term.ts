import { hostname } from "node:os";
import type { Bus } from "@multimaster/bus";
import {
  createHeartbeat,
  DATA_VERSION,
  joinCluster,
  type Lease,
  LeaseLost,
  leaveCluster,
  setState,
} from "@multimaster/cluster";
import type { LoadedConfig } from "@multimaster/config";
import { createMetrics, type Logger, runServices, type Service, systemClock, UserError } from "@multimaster/core";
import { createBurialService, createData, type Data, publishBurial } from "@multimaster/data";
import type { Database } from "@multimaster/database";
import type { Role } from "./define-role.ts";
import { roleNames } from "./index.ts";

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
    const left = await leaveCluster(database, lease);
    if (left) await publishBurial(data.events, left);
  };

  try {
    for (const burial of burials) await publishBurial(data.events, burial);
    await services.start();
    await setState(database, lease, "running");
  } catch (error) {
    if (!(error instanceof LeaseLost)) await leave();
    else await services.stop();
    throw error;
  }
  await data.updates.masters.announceStarted();
  log.info("master is ready");

  return {
    async run(draining, now) {
      await whenAborted([draining, lost.signal]);
      if (!lost.signal.aborted) {
        log.info("stopping: nothing new is taken on, running builds finish");
        await unlessLost(() => setState(database, lease, "draining"));
        const deadline = config.shared.drainDeadline;
        const force = AbortSignal.any([
          now,
          lost.signal,
          ...(deadline === undefined ? [] : [AbortSignal.timeout(deadline)]),
        ]);
        await services.drain(force);
      }
      if (lost.signal.aborted) {
        await services.stop();
        return draining.aborted ? "stopped" : "lost";
      }
      await leave();
      log.info("stopped");
      return "stopped";
    },
  };
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

async function unlessLost(act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof LeaseLost) && !(error instanceof UserError)) throw error;
  }
}
