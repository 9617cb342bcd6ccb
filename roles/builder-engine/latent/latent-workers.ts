import { type Clock, type Failure, type Logger, type Registry, type Service, WakeupLoop } from "@multimaster/core";
import { buildrequests, type Data } from "@multimaster/data";
import type { Admission } from "@multimaster/wire";
import type { ConfiguredBuilder } from "../builds/configured-builder.ts";
import { EventSubscriptions } from "../builds/event-subscriptions.ts";
import type { RunningBuilds } from "../builds/running-builds.ts";
import type { AttachedWorkers } from "../workers/attached-worker.ts";
import { FreshRows } from "../workers/fresh-rows.ts";
import type { AcceptedRequests } from "./accepted-requests.ts";
import { publishInstanceMetrics } from "./instance-metrics.ts";
import { InstanceTable } from "./instance-table.ts";
import type { LatentWorker } from "./latent-worker.ts";
import { ProviderTroubles } from "./provider-troubles.ts";
import { InstanceStarts } from "./start-instances.ts";
import { SweepInstances } from "./sweep-instances.ts";
import { TendInstances } from "./tend-instances.ts";

export interface LatentWorkersOptions {
  masterid: number;
  latents: readonly LatentWorker[];
  accepted: AcceptedRequests;
  builders: ReadonlyMap<number, ConfiguredBuilder>;
  workers: AttachedWorkers;
  builds: RunningBuilds;
  data: Data;
  clock: Clock;
  log: Logger;
  metrics: Registry;
  /** Ends what providers are asked when this engine stops or its lease is lost. */
  ending: AbortController;
  /** No worker is taken now: this engine drains or stops. */
  isRefusing(): boolean;
  /** Where workers reach this engine; undefined: it does not listen yet. */
  ownUrl(): string | undefined;
}

const pollMs = 2000;
const sweepMs = 15_000;
/** How long a drain whose deadline has passed still waits for instances to end. */
const lastMs = 10_000;

/**
 * Makes workers on demand: starts instances of latent workers for requests that no attached worker takes, admits those that
 * attach, and ends those that are used up, idle or lost. All of it is in rows (`mm_worker_instances`): any engine goes on
 * where another one died.
 */
export class LatentWorkers implements Service {
  readonly name = "latent-workers";
  #options: LatentWorkersOptions;
  #table: InstanceTable;
  #rows: FreshRows;
  #starts: InstanceStarts;
  #tending: TendInstances;
  #sweeping: SweepInstances;
  #loop: WakeupLoop;
  #sweepLoop: WakeupLoop;
  #events: EventSubscriptions;
  #stopListening: () => void;
  #draining: { othersRun: boolean } | undefined;
  /** The look at the rows that was begun last. */
  #looking: Promise<void> = Promise.resolve();

  constructor(options: LatentWorkersOptions) {
    const { latents, clock, log, workers, data, builders } = options;
    this.#options = options;
    this.#table = new InstanceTable(latents);
    this.#rows = new FreshRows({ clock, read: async () => this.#table.set(await data.updates.instances.read()) });
    const metrics = publishInstanceMetrics(options.metrics, latents, this.#table, (name) =>
      this.#starts.demandOf(name),
    );
    this.#starts = new InstanceStarts({
      ...options,
      table: this.#table,
      onStarted: (latent, outcome) => {
        metrics.countStart(latent, outcome);
        this.#loop.wake();
      },
    });
    const troubles = new ProviderTroubles(options);
    this.#tending = new TendInstances({
      ...options,
      troubles,
      latents: new Map(latents.map((latent) => [latent.name, latent])),
      table: this.#table,
      starts: this.#starts,
      draining: () => this.#draining,
    });
    this.#sweeping = new SweepInstances({ ...options, starts: this.#starts, tending: this.#tending, troubles });
    this.#loop = new WakeupLoop({ name: this.name, clock, log, pollMs, poll: () => this.#lookOnce() });
    const sweep = () => this.#sweep();
    this.#sweepLoop = new WakeupLoop({ name: "latent-workers-sweep", clock, log, pollMs: sweepMs, poll: sweep });
    this.#events = new EventSubscriptions(log);
    // "unclaimed" also when a user approves a request: only then an instance is started for it.
    for (const event of ["new", "unclaimed"] as const)
      this.#events.add(() =>
        data.events.onPartOf(buildrequests, event, "builderid", (builderid) => {
          if (builders.has(builderid)) this.#loop.wake();
        }),
      );
    let attached = 0;
    this.#stopListening = workers.onChange(() => {
      this.#tending.markAttached();
      this.#loop.wake();
      const before = attached;
      attached = workers.all.length;
      if (attached < before) this.#sweepLoop.wake();
    });
  }

  /** Whether a worker that connects is an instance; undefined: the name is none of theirs. Another engine may have made it a moment ago. */
  authenticate(name: string, secret: string): Admission | Promise<Admission> | undefined {
    const known = this.#table.authenticate(name, secret);
    return known === false ? this.#authenticateByRows(name, secret) : known;
  }

  async #authenticateByRows(name: string, secret: string): Promise<Admission> {
    if (!(await this.#rows.ask())) return "draining";
    return this.#table.authenticate(name, secret) ?? false;
  }

  async start(): Promise<void> {
    const { latents, data } = this.#options;
    // Without a latent worker in the config, instances of an earlier one are other engines' business.
    if (latents.length === 0) return;
    const cluster = await data.updates.instances.register(latents.map(({ configuration }) => configuration));
    for (const latent of latents) latent.identify(cluster);
    await this.#rows.read();
    this.#events.start();
    this.#loop.start();
    this.#sweepLoop.start();
  }

  failure(): Failure | undefined {
    return this.#loop.failure() ?? this.#sweepLoop.failure();
  }

  /** Instances that connect to this engine alone are ended; others stay for the engines that they connect to. */
  async drain(signal: AbortSignal): Promise<void> {
    const { clock, data, latents, masterid } = this.#options;
    if (latents.length === 0) return;
    const engines = await data.updates.workers.engineLoads().catch(() => []);
    this.#draining = { othersRun: engines.some((engine) => engine.masterid !== masterid && engine.running) };
    // One that began before no start was allowed may be about to reserve an instance.
    await this.#looking.catch(() => undefined);
    await this.#starts.settled();
    const last = () => (signal.aborted ? lastMs : Number.POSITIVE_INFINITY);
    const began = clock.now();
    do {
      this.#loop.wake();
      await clock.sleep(100);
      await this.#tending.settled();
      await this.#rows.read();
    } while (this.#draining && this.#tending.leftToEnd() > 0 && clock.now() - began < last());
  }

  async resume(): Promise<void> {
    this.#draining = undefined;
    this.#loop.wake();
  }

  /** Instances stay: another engine takes them, or this master when it is back. */
  async stop(): Promise<void> {
    this.#options.ending.abort();
    this.#stopListening();
    await this.#events.stop();
    await this.#loop.stop();
    await this.#sweepLoop.stop();
    await this.#starts.settled();
    await this.#tending.settled();
  }

  #lookOnce(): Promise<void> {
    this.#looking = this.#look();
    return this.#looking;
  }

  async #look(): Promise<void> {
    const { data } = this.#options;
    try {
      await this.#rows.read();
      await this.#tending.tend();
      if (!this.#options.isRefusing()) await this.#starts.startMissing();
    } catch (error) {
      if (!data.isDatabaseAway(error)) throw error;
    }
  }

  async #sweep(): Promise<void> {
    try {
      await this.#sweeping.sweep();
    } catch (error) {
      if (!this.#options.data.isDatabaseAway(error)) throw error;
    }
  }
}
