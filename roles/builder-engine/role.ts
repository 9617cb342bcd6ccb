import {
  hostNamesOf,
  latentWorkerConfigs,
  nameBuilddir,
  type WorkerConfig,
  type WorkersSlice,
  workerTlsFiles,
} from "@multimaster/config";
import { createHostCheck, onAbort, ServicePlace } from "@multimaster/core";
import { ServedCertificate } from "@multimaster/wire";
import { defineRole, type NextConfig, type RoleContext, type RoleService } from "../define-role.ts";
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
import type { WorkerServerOptions } from "./workers/worker-server-options.ts";
import { WorkerWatch } from "./workers/worker-watch.ts";

/** The builder-engine: accepts workers, claims build requests, runs builds. */
export const role = defineRole<EngineSlice>({
  name: "builder-engine",
  holdsClaims: true,
  loadSlice: loadEngineSlice,
  services: createServices,
});

function createServices(context: RoleContext<EngineSlice>): readonly RoleService<EngineSlice>[] {
  const { data, clock, log, metrics } = context;
  const { own, shared, directory } = context.config;
  const onLeaseLost = () => builds.abandon("the lease is lost");
  const persistence = new Persistence({ clock, log, onLeaseLost, isPassing: data.isDatabaseAway });
  const workers = new AttachedWorkers();
  const watchdog = new LoopWatchdog({ log, metrics, sign: context.loop });
  const hide = hideSecretsOf(own.builders);
  const functions = new GuardedFunctions({ clock, log, hide, watch: watchdog });
  const ledger = new CommandLedger(data.updates.commands, persistence, clock);
  const awaited = new AwaitedBuildsets({ data, clock, log });
  const lockMetrics = new LockMetrics(metrics);
  const builders = new BuilderRows({ configs: own.builders, data, persistence, clock, log });
  const locks = new StepLocks({ builders: builders.byId, data, persistence, metrics: lockMetrics, clock, log });
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
  let ownUrl: string | undefined;
  let ending = new AbortController();
  const createLatentWorkers = (slice: WorkersSlice) => {
    ending = new AbortController();
    const surroundings = { configDirectory: directory, basedir: slice.basedir, clock, log, signal: ending.signal };
    const latents = slice.latent.map((descriptor) => new LatentWorker(descriptor, surroundings));
    return new LatentWorkers({
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
  };
  const latentWorkers = new ServicePlace(createLatentWorkers(own.workers));
  const files = workerTlsFiles(own.workers, directory);
  const certificate = files && new ServedCertificate({ files, clock, log });
  const server = new WorkerServer({
    ...describeWorkers(own),
    certificate,
    credentials: new WorkerCredentials({ workers: allWorkers(own), sealingKey: own.sealingKey, log }),
    refreshAccounts: own.workers.accounts ? () => accounts.refresh() : undefined,
    authenticateInstance: (name, password) => latentWorkers.current.authenticate(name, password),
    master: context.master.name,
    directory,
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
  const accounts = new WorkerAccounts({ data, clock, log, accept: (all) => server.accept(all) });
  const distributor = new Distributor({
    builders: builders.byId,
    workers,
    builds,
    rules: { config: describeWorkers(own).slice, functions },
    data,
    metrics: lockMetrics,
    watchdog,
    clock,
    log,
    onLeaseLost,
  });
  onAbort(context.lost, onLeaseLost);
  onAbort(context.lost, () => ending.abort());

  /** Builds that run go on with the builder, the steps and the secrets that they began with. */
  async function takeConfig(next: NextConfig<EngineSlice>): Promise<void> {
    const described = describeWorkers(next.own);
    functions.reconfigure(hideSecretsOf(next.own.builders));
    builds.reconfigure({
      onMaster: createMasterAccess(next.shared, directory),
      adoptWithinMs: next.own.workers.adoptWithin,
    });
    await distributor.reconfigure({ config: described.slice, functions }, async () => {
      await builders.reconfigure(next.own.builders);
      await server.reconfigure({ ...described, sealingKey: next.own.sealingKey });
    });
    // What they begin at their providers is interrupted, and taken up by those of the next config.
    if (next.hasChanged("latent worker")) await latentWorkers.replace(() => createLatentWorkers(next.own.workers));
    log.info({ builders: builders.byId.size }, `this engine runs ${builders.byId.size} builders of the new config`);
  }

  // In start order. Stopped in reverse: first no build is begun, then those running are abandoned, then workers leave.
  return [
    Object.assign(
      new Drain({ distributor, server, builds, workers, builders: builders.byId, ledger, data, clock, log }),
      { takeConfig },
    ),
    watchdog,
    functions,
    builders,
    ...(certificate ? [certificate] : []),
    server,
    ...(own.workers.accounts ? [accounts] : []),
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

/** The workers of the config and the instances that it may make. */
function allWorkers({ workers }: EngineSlice): WorkerConfig[] {
  return [...workers.workers, ...latentWorkerConfigs(workers)];
}

/** What the worker server goes by. */
function describeWorkers(own: EngineSlice): Pick<WorkerServerOptions, "slice" | "useful" | "directoriesOf"> {
  const lists = new Set(own.builders.map((builder) => builder.workers));
  return {
    slice: { ...own.workers, workers: allWorkers(own) },
    useful: new Set([...lists].flat()),
    directoriesOf: (name) => own.builders.filter((builder) => builder.workers.includes(name)).map(nameBuilddir),
  };
}

function describe(state: true | string[]): true | string {
  return state === true ? true : state.join("; ");
}
