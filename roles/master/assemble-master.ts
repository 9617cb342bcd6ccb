import { hostname } from "node:os";
import {
  createDataVersionService,
  createHeartbeat,
  createPartitionDetection,
  createPeerLeftHints,
  createWriteProbe,
  type Eviction,
  joinCluster,
  type Lease,
} from "@multimaster/cluster";
import { type Audience, createMetrics, onAbort, ServiceGroup, systemClock } from "@multimaster/core";
import {
  createBuildHistoryService,
  createData,
  createEvictionService,
  createMuteService,
  type Data,
} from "@multimaster/data";
import { dataVersions } from "@multimaster/database";
import { noteConfig, type Outcomes, releaseEverythingOf } from "@multimaster/lifecycle";
import { roleNames } from "../index.ts";
import { createFailureReports } from "./failure-reports.ts";
import { hostRoles } from "./host-roles.ts";
import type { HostedRoles } from "./hosted-roles.ts";
import { judgeFailures } from "./judge-failures.ts";
import { createLoopDelay } from "./loop-delay.ts";
import { createMasterMetrics } from "./master-metrics.ts";
import { createMonitor } from "./monitor.ts";
import { OrderedDrain } from "./ordered-drain.ts";
import { Orders } from "./orders.ts";
import { Reconfiguration } from "./reconfiguration.ts";
import type { TermPlan } from "./term-plan.ts";
import type { Standing } from "./threads/messages.ts";

/** What a master under one lease consists of; nothing of it has been started. */
export interface MasterParts {
  readonly lease: Lease;
  readonly data: Data;
  /** What every master runs, whatever its roles. */
  readonly base: ServiceGroup;
  readonly hosts: HostedRoles;
  readonly orders: Orders;
  /** The order to drain that the term has not acted on yet. */
  readonly ordered: OrderedDrain;
  /** Aborts when the lease is lost. */
  readonly lost: AbortSignal;
  /** Aborts when a thread has died that held claims. */
  readonly died: AbortSignal;
  /** Masters that were evicted when this one joined. */
  readonly evictions: readonly Eviction<Outcomes>[];
}

/** Joins the cluster and puts the parts of the master together. */
export async function joinAndAssemble(plan: TermPlan): Promise<MasterParts> {
  const { database, bus, config, selection, signs, figures, log } = plan;
  const { lease, evictions } = await join(plan);
  Object.assign(plan.identity, { master: lease.name, epoch: lease.epoch });
  const writes = createWriteProbe({ database, lease, clock: systemClock, log });
  const data = createData({ database, bus, lease, writes, log, clock: systemClock });
  const metrics = createMetrics();
  const lost = new AbortController();
  const died = new AbortController();
  const ordered = new OrderedDrain();
  const run = judgeFailures(lease.leaseMs, database, writes);
  const standing = (audience?: Audience): Standing => ({
    ready: base.ready(audience),
    refusal: writes.refusal,
    accepted: writes.accepted,
  });
  const hosts = hostRoles(plan, { lease, data, log, run, standing, onClaimsLost: () => died.abort() });
  let reach: "in reach" | "out of reach" = "in reach";
  onAbort(lost.signal, () => hosts.lose(reach));
  const reconfiguration = new Reconfiguration({
    data,
    hosts,
    selection,
    log,
    running: () => plan.config,
    load: () => plan.loadConfig(),
    adopt: (next) => {
      plan.config = next;
    },
    warn: (found) => plan.warn(found),
    onBroken: () => died.abort(),
  });
  const orders = new Orders({
    masterid: lease.masterid,
    data,
    hosts,
    selection,
    clock: systemClock,
    log,
    loadRole: plan.loadRole,
    reconfigure: (order) => reconfiguration.run(order),
    onDrain: (order) => ordered.set(order),
  });
  const heartbeat = createHeartbeat({ url: database.url, lease, log, signs: signs.all, onLost: () => lost.abort() });
  const watch = createPartitionDetection({
    bus,
    lease,
    heartbeat,
    log,
    onPartition() {
      // Commands on workers are the only thing that goes on outside the database.
      if (hosts.left().builds === undefined) return;
      reach = "out of reach";
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
  const failures = () => [...base.failures(), ...hosts.failures()];
  const base: ServiceGroup = new ServiceGroup(
    "master",
    [
      heartbeat,
      writes,
      watch,
      createDataVersionService({ database, leaseMs: lease.leaseMs, clock: systemClock, log }),
      eviction,
      createBuildHistoryService({ updates: data.updates, clock: systemClock, log }),
      createMuteService({ updates: data.updates, clock: systemClock, log }),
      createPeerLeftHints({ bus, lease, onPeerLeft: (masterid) => eviction.suspect(masterid) }),
      createLoopDelay(metrics, signs.main),
      createMasterMetrics({ metrics, lease, heartbeat, bus, database, hosts, release: plan.release }),
      ...createMonitor({ config: config.shared, master: lease.name, data, hosts, figures: () => figures.text(), log }),
      orders,
      createFailureReports({ data, failures, clock: systemClock, log }),
    ],
    log,
    run,
  );
  figures.setMain(metrics);
  return { lease, data, base, hosts, orders, ordered, lost: lost.signal, died: died.signal, evictions };
}

function join({ database, config, selection, name, release }: TermPlan) {
  const names = selection.roles.map(({ name }) => name);
  return joinCluster(
    database,
    {
      name,
      defaultBase: `${hostname()}-${names.length === roleNames.length ? "all" : names.join("+")}`,
      roles: names,
      builderSets: names.includes("builder-engine") ? selection.builderSets : [],
      release,
      dataVersions,
      leaseMs: config.shared.lease,
      host: hostname(),
      pid: process.pid,
      note: (tx, master) => noteConfig(tx, master, config.hash),
    },
    releaseEverythingOf,
  );
}
