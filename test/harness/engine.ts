import { createBus } from "@multimaster/bus";
import { joinCluster, type Lease, LoopSign, leaveCluster } from "@multimaster/cluster";
import {
  type BuildersSliceInput,
  buildersSlice,
  type ClusterConfig,
  expandLatentNames,
  type WorkersSliceInput,
  workersSlice,
} from "@multimaster/config";
import {
  createMetrics,
  type Logger,
  measure,
  mergeFigures,
  ServiceGroup,
  silentLog,
  systemClock,
} from "@multimaster/core";
import { buildrequests, builds, createData, type Data, equals, logs, type NewBuildset, steps } from "@multimaster/data";
import { type Database, dataVersions, openDatabase, upgradeDatabase } from "@multimaster/database";
import { releaseEverythingOf } from "@multimaster/lifecycle";
import { role } from "@multimaster/roles/builder-engine/role";
import { onTestFinished } from "vitest";
import { FetchedSecrets } from "../../roles/builder-engine/logs/fetched-secrets.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { waitFor } from "./wait-for.ts";

export type Steps = BuildersSliceInput["builders"][number]["steps"];

/** An engine of a test, in this process: its services on rows of its own. */
export interface Engine {
  readonly data: Data;
  readonly directory: string;
  readonly database: Database;
  readonly services: ServiceGroup;
  readonly lease: Lease;
  /** Where workers connect, once it listens. */
  port(): number;
  /** Sentences it logged. */
  readonly said: string[];
  /** As the master does when its lease is lost. */
  loseLease(): void;
  submit(builder: string, more?: Partial<NewBuildset>): Promise<number>;
  /** Waits until the request is complete; returns its builds, oldest first. */
  finished(requestid: number): Promise<Finished[]>;
  properties(buildid: number): Promise<Record<string, [unknown, string]>>;
  logText(stepid: number, name: string): Promise<string>;
  stepsOf(
    buildid: number,
  ): Promise<{ stepid: number; name: string; results: number | null; state_string: string; hidden: boolean }[]>;
  running(): Promise<number>;
  /** Stops it before the test is over, as a master that leaves does. */
  stop(): Promise<void>;
}

export interface Finished {
  buildid: number;
  results: number | null;
  state_string: string;
}

/** Runs `end` when the test is over, the last one first. */
export function endAfterTest(end: () => Promise<void>): void {
  onTestFinished(end, 120_000);
}

export const localWorkers: WorkersSliceInput = { workers: [{ name: "w1", local: true, maxBuilds: 2 }] };

/** Starts an engine that is stopped when the test is over. */
export async function startEngine(
  builders: Record<string, Steps>,
  options: {
    url?: string;
    workers?: WorkersSliceInput;
    /** Opens what pb needs of workers' secrets. */
    sealingKey?: Buffer;
    directory?: string;
    name?: string;
    more?: Partial<BuildersSliceInput["builders"][number]>;
    /** The same for single builders. */
    moreOf?: Readonly<Record<string, Partial<BuildersSliceInput["builders"][number]>>>;
    secrets?: Record<string, string>;
    secretProviders?: BuildersSliceInput["secretProviders"];
    believeControl?: boolean;
    /** More of the part of the config that all masters share. */
    shared?: Partial<ClusterConfig>;
  } = {},
): Promise<Engine> {
  const directory = options.directory ?? temporaryDirectory("engine");
  const database = await openDatabase(options.url ?? `sqlite:${directory}/state.sqlite`, { log: silentLog });
  await upgradeDatabase(database);
  const bus = createBus({ kind: "in-process" }, silentLog);
  await bus.start();
  const { lease } = await joinCluster(
    database,
    {
      defaultBase: options.name ?? "engine",
      roles: ["builder-engine"],
      builderSets: ["all"],
      release: "0.1.0",
      dataVersions,
      leaseMs: 600_000,
      host: "test",
      pid: process.pid,
    },
    releaseEverythingOf,
  );
  const data = createData({ database, bus, lease, log: silentLog, clock: systemClock });
  const parsed = buildersSlice.parse({
    secretProviders: options.secretProviders ?? [],
    builders: Object.entries(builders).map(([name, list]) => ({
      name,
      workers: ["w1"],
      ...options.more,
      ...options.moreOf?.[name],
      steps: list,
    })),
  });
  const workers = workersSlice.parse(options.workers ?? localWorkers);
  const lost = new AbortController();
  const fetchedSecrets = FetchedSecrets.of(parsed.secretProviders, directory);
  const said: string[] = [];
  let port = 0;
  const listen = (fields: object | string, text?: string) => {
    said.push(text ?? String(fields));
  };
  const log: Logger = Object.assign(Object.create(silentLog), { info: listen, warn: listen, error: listen });
  const metrics = createMetrics();
  const services = new ServiceGroup(
    "engine",
    role.services({
      master: { name: lease.name, masterid: lease.masterid },
      config: {
        own: {
          builders: parsed.builders.map((one) => ({
            ...one,
            workers: expandLatentNames(one.workers, workers),
            secrets: options.secrets ?? {},
            fetchedSecrets,
          })),
          workers,
          sealingKey: options.sealingKey,
        },
        shared: { bus: { believeControl: options.believeControl ?? false }, ...options.shared } as ClusterConfig,
        directory,
      },
      data,
      clock: systemClock,
      log,
      metrics,
      figures: async () => mergeFigures([await measure(metrics)]),
      loop: new LoopSign(),
      lost: lost.signal,
      listening: (_service, url) => {
        port = Number(new URL(url).port);
      },
      ready: () => services.ready(),
    }),
    silentLog,
  );
  let ended: Promise<void> | undefined;
  const end = async () => {
    await services.stop();
    await data.updates.close();
    await leaveCluster(database, lease, releaseEverythingOf);
    await bus.stop();
    await database.close();
  };
  const stop = () => (ended ??= end());
  endAfterTest(stop);
  await services.start();

  const engine: Engine = {
    data,
    directory,
    database,
    services,
    lease,
    said,
    port: () => port,
    stop,
    loseLease: () => lost.abort(),
    async submit(builder, more = {}) {
      const added = await data.updates.buildsets.add({
        reason: "a test",
        sourceStamps: [{ branch: null, revision: null, repository: "", project: "", codebase: "" }],
        builders: [builder],
        scheduler: "test",
        ...more,
      });
      return Object.values(added.requests)[0] as number;
    },
    async finished(requestid) {
      await waitFor(async () => (await data.get(buildrequests, requestid))?.complete, {
        what: `request ${requestid} to end`,
        timeoutMs: 120_000,
      });
      const found = await data.find(builds, { filters: [equals("buildrequestid", requestid)], order: ["buildid"] });
      return found.rows as unknown as Finished[];
    },
    async properties(buildid) {
      const found = await data.rest.get(["builds", String(buildid), "properties"], new URLSearchParams());
      return (found.kind === "envelope" ? found.items[0] : {}) as Record<string, [unknown, string]>;
    },
    async logText(stepid, name) {
      const found = await data.find(logs, { filters: [equals("stepid", stepid)] });
      const log = found.rows.find((row) => row["name"] === name);
      if (!log)
        throw new Error(`step ${stepid} has no log ${name} but ${found.rows.map((row) => row["name"]).join(", ")}`);
      const answer = await data.rest.get(["logs", String(log["logid"]), "contents"], new URLSearchParams());
      if (answer.kind !== "lines") throw new Error(`the log answers with ${answer.kind}`);
      let text = "";
      for await (const piece of answer.text) text += piece;
      return text;
    },
    async stepsOf(buildid) {
      const found = await data.find(steps, { filters: [equals("buildid", buildid)], order: ["number"] });
      return found.rows as never;
    },
    async running() {
      return (await data.find(builds, { filters: [equals("complete", false)] })).total;
    },
  };
  return engine;
}
