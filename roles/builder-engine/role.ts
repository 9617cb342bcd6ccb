import { hostNamesOf, latentWorkerConfigs, nameBuilddir, workerTlsFiles } from "@multimaster/config";
import { createHostCheck, onAbort, type Service } from "@multimaster/core";
import { ServedCertificate } from "@multimaster/wire";
import { defineRole, type RoleContext } from "../define-role.ts";
import { createArtifactKeeper } from "./artifacts/artifact-keeper.ts";
import { openEngineArtifacts } from "./artifacts/engine-artifacts.ts";
import { BuildAdopter } from "./builds/adopt-builds.ts";
import { AwaitedBuildsets } from "./builds/awaited-buildsets.ts";
import { countFinishedBuilds } from "./builds/build-metrics.ts";
import { BuilderRows } from "./builds/builder-rows.ts";
import { Distributor } from "./builds/distributor.ts";
import { ForeignControl } from "./builds/foreign-control.ts";
import { Persistence } from "./builds/persistence.ts";
import { RunningBuilds } from "./builds/running-builds.ts";
import { StopRequests } from "./builds/stop-requests.ts";
import { Drain } from "./drain.ts";
import { AcceptedRequests } from "./latent/accepted-requests.ts";
import { LatentWorker } from "./latent/latent-worker.ts";
import { LatentWorkers } from "./latent/latent-workers.ts";
import { LockMetrics } from "./locks/lock-metrics.ts";
import { StepLocks } from "./locks/step-locks.ts";
import { hideSecretsOf } from "./logs/hide-secrets.ts";
import { LoopWatchdog } from "./loop-watchdog.ts";
import { createMasterAccess } from "./on-master/master-access.ts";
import { type EngineSlice, loadEngineSlice } from "./slice.ts";
import { GuardedFunctions } from "./start-rules/guarded-function.ts";
import { AttachedWorkers } from "./workers/attached-worker.ts";
import { CommandLedger } from "./workers/command-ledger.ts";
import { Rebalance } from "./workers/rebalance.ts";
import { WorkerAccounts } from "./workers/worker-accounts.ts";
import { WorkerCredentials } from "./workers/worker-credentials.ts";
import { WorkerServer } from "./workers/worker-server.ts";
import { WorkerWatch } from "./workers/worker-watch.ts";

/** The builder-engine: accepts workers, claims build requests, runs builds. */
export const role = defineRole<EngineSlice>({
  name: "builder-engine",
  holdsClaims: true,
  loadSlice: loadEngineSlice,
  services: createServices,
});

function createServices(context: RoleContext<EngineSlice>): readonly Service[] {
  const { data, clock, log, metrics } = context;
  const { own, shared, directory } = context.config;
  const lists = new Set(own.builders.map((builder) => builder.workers));
  const useful = new Set([...lists].flat());

  const onLeaseLost = () => builds.abandon("the lease is lost");
  const persistence = new Persistence({ clock, log, onLeaseLost, isPassing: data.isDatabaseAway });
  const workers = new AttachedWorkers();
  const watchdog = new LoopWatchdog({ log, metrics, sign: context.loop });
  const hide = hideSecretsOf(own.builders);
  const functions = new GuardedFunctions({ clock, log, hide, watch: watchdog });
  const ledger = new CommandLedger(data.updates.commands, persistence, clock);
  const awaited = new AwaitedBuildsets({ data, clock, log });
  const lockMetrics = new LockMetrics(metrics);
  const locks = new StepLocks({ data, persistence, metrics: lockMetrics, clock, log });
  const siteUrl = shared.url ?? "";
  const artifacts = openEngineArtifacts(shared, directory, clock);
  const builds = new RunningBuilds(
    {
      data,
      persistence,
      ledger,
      watchdog,
      awaited,
      locks,
      artifacts,
      onMaster: createMasterAccess(shared, directory),
      siteUrl,
      adoptWithinMs: own.workers.adoptWithin,
      clock,
      log,
      onFinished: countFinishedBuilds(metrics),
    },
    workers,
  );
  const builders = new BuilderRows({ configs: own.builders, data, persistence, clock, log });
  const ending = new AbortController();
  const { basedir } = own.workers;
  const surroundings = { configDirectory: directory, basedir, clock, log, signal: ending.signal };
  const latents = own.workers.latent.map((descriptor) => new LatentWorker(descriptor, surroundings));
  let ownUrl: string | undefined;
  const latentWorkers = new LatentWorkers({
    masterid: context.master.masterid,
    latents,
    accepted: new AcceptedRequests({ latents, functions, data, clock }),
    builders: builders.byId,
    workers,
    builds,
    data,
    clock,
    log,
    metrics,
    ending,
    ownUrl: () => ownUrl,
    isRefusing: () => server.isRefusing,
  });
  const workerConfigs = [...own.workers.workers, ...latentWorkerConfigs(own.workers)];
  const files = workerTlsFiles(own.workers, directory);
  const certificate = files && new ServedCertificate({ files, clock, log });
  const server = new WorkerServer({
    slice: { ...own.workers, workers: workerConfigs },
    certificate,
    credentials: new WorkerCredentials({ workers: workerConfigs, sealingKey: own.sealingKey, log }),
    authenticateInstance: (name, password) => latentWorkers.authenticate(name, password),
    master: context.master.name,
    directory,
    useful,
    directoriesOf: (name) => own.builders.filter((builder) => builder.workers.includes(name)).map(nameBuilddir),
    workers,
    data,
    persistence,
    ledger,
    adopter: new BuildAdopter({ builders: builders.byId, builds, data, persistence, metrics: lockMetrics, log }),
    clock,
    log,
    isReady: () => describe(context.ready()),
    isOwnHost: createHostCheck(hostNamesOf(shared)),
    metrics: () => context.figures(),
    onListening: (url) => {
      ownUrl = url;
      context.listening("worker-server", url);
    },
  });
  const distributor = new Distributor({
    builders: builders.byId,
    workers,
    builds,
    rules: { config: { ...own.workers, workers: workerConfigs }, functions },
    data,
    metrics: lockMetrics,
    watchdog,
    clock,
    log,
    onLeaseLost,
  });
  onAbort(context.lost, onLeaseLost);
  onAbort(context.lost, () => ending.abort());

  // In start order. Stopped in reverse: first no build is begun, then those running are abandoned, then workers leave.
  return [
    new Drain({ distributor, server, builds, workers, builders: builders.byId, ledger, data, clock, log }),
    watchdog,
    functions,
    builders,
    ...(certificate ? [certificate] : []),
    server,
    ...(own.workers.accounts ? [new WorkerAccounts({ data, clock, log, accept: (all) => server.accept(all) })] : []),
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
    locks,
    ...(artifacts ? [createArtifactKeeper({ artifacts, data, metrics, clock, log })] : []),
    latentWorkers,
    builds,
    new StopRequests({ builds, data, clock, log }),
    ...(shared.bus.believeControl ? [new ForeignControl({ builds, workers, data, log })] : []),
    distributor,
  ];
}

function describe(state: true | string[]): true | string {
  return state === true ? true : state.join("; ");
}
