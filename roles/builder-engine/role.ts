import { hostNamesOf } from "@multimaster/config";
import { createHostCheck, onAbort, type Service } from "@multimaster/core";
import { defineRole, type RoleContext } from "../define-role.ts";
import { AttachedWorkers } from "./attached-worker.ts";
import { AwaitedBuildsets } from "./awaited-buildsets.ts";
import { countFinishedBuilds } from "./build-metrics.ts";
import { BuilderRows } from "./builder-rows.ts";
import { CommandLedger } from "./command-ledger.ts";
import { Distributor } from "./distributor.ts";
import { Drain } from "./drain.ts";
import { ForeignControl } from "./foreign-control.ts";
import { LoopWatchdog } from "./loop-watchdog.ts";
import { Persistence } from "./persistence.ts";
import { Rebalance } from "./rebalance.ts";
import { RunningBuilds } from "./running-builds.ts";
import { type EngineSlice, loadEngineSlice } from "./slice.ts";
import { StopRequests } from "./stop-requests.ts";
import { WorkerServer } from "./worker-server.ts";
import { WorkerWatch } from "./worker-watch.ts";

/** The builder-engine: accepts workers, claims build requests, runs builds. */
export const role = defineRole<EngineSlice>({
  name: "builder-engine",
  loadSlice: loadEngineSlice,
  services: createServices,
});

function createServices(context: RoleContext<EngineSlice>): readonly Service[] {
  const { data, clock, log, metrics } = context;
  const { own, shared, directory } = context.config;
  const useful = new Set(own.builders.flatMap((builder) => builder.workers));

  const onLeaseLost = () => builds.abandon("the lease is lost");
  const persistence = new Persistence({ clock, log, onLeaseLost, isPassing: data.isDatabaseAway });
  const workers = new AttachedWorkers();
  const watchdog = new LoopWatchdog({ log, metrics, sign: context.loop });
  const ledger = new CommandLedger(data.updates.commands, persistence, clock);
  const awaited = new AwaitedBuildsets({ data, clock, log });
  const siteUrl = shared.url ?? "";
  const builds = new RunningBuilds(
    { data, persistence, ledger, watchdog, awaited, siteUrl, clock, log, onFinished: countFinishedBuilds(metrics) },
    workers,
  );
  const builders = new BuilderRows({ configs: own.builders, data, persistence, clock, log });
  const server = new WorkerServer({
    slice: own.workers,
    master: context.master.name,
    directory,
    useful,
    workers,
    data,
    persistence,
    ledger,
    clock,
    log,
    isReady: () => describe(context.ready()),
    isOwnHost: createHostCheck(hostNamesOf(shared)),
    metrics: async () => ({ contentType: metrics.contentType, text: await metrics.metrics() }),
    onListening: (url) => context.listening("worker-server", url),
  });
  const distributor = new Distributor({ builders: builders.byId, workers, builds, data, clock, log, onLeaseLost });
  onAbort(context.lost, onLeaseLost);

  // In start order. Stopped in reverse: first no build is begun, then those running are abandoned, then workers leave.
  return [
    new Drain({ distributor, server, builds, workers, builders: builders.byId, ledger, data, clock, log }),
    watchdog,
    builders,
    server,
    new Rebalance({
      masterid: context.master.masterid,
      every: own.workers.rebalance,
      server,
      workers,
      data,
      clock,
      log,
      metrics,
    }),
    new WorkerWatch({ workers, data, persistence, clock, log }),
    awaited,
    builds,
    new StopRequests({ builds, data, clock, log }),
    ...(shared.bus.believeControl ? [new ForeignControl({ builds, workers, data, log })] : []),
    distributor,
  ];
}

function describe(state: true | string[]): true | string {
  return state === true ? true : state.join("; ");
}
