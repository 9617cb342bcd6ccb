import { nameBuilddir } from "@multimaster/config";
import { type Clock, type Failure, type Logger, type Service, WakeupLoop, waitAtMost } from "@multimaster/core";
import type { Data } from "@multimaster/data";
import type { EngineBuilder } from "../slice.ts";
import { ConfiguredBuilder } from "./configured-builder.ts";
import { Abandoned, type Persistence } from "./persistence.ts";

export interface BuilderRowsOptions {
  configs: readonly EngineBuilder[];
  data: Data;
  persistence: Persistence;
  clock: Clock;
  log: Logger;
}

const patienceMs = 3000;
/** How often it is checked whether a master has come that reads what is not written without one. */
const mirrorMs = 30_000;

/** Publishes this engine's builders to the cluster and learns their ids. They are released with the lease. */
export class BuilderRows implements Service {
  readonly name = "builders";
  #options: BuilderRowsOptions;
  #configs: readonly EngineBuilder[];
  #byId = new Map<number, ConfiguredBuilder>();
  #loop: WakeupLoop;

  constructor(options: BuilderRowsOptions) {
    const { clock, log } = options;
    this.#options = options;
    this.#configs = options.configs;
    this.#loop = new WakeupLoop({
      name: "mirror-workers",
      clock,
      log,
      pollMs: mirrorMs,
      poll: (signal) => this.#mirror(signal),
    });
  }

  /** The builders by id; empty until started. */
  get byId(): ReadonlyMap<number, ConfiguredBuilder> {
    return this.#byId;
  }

  async start(): Promise<void> {
    await this.#announce();
    this.#options.log.info({ builders: this.#byId.size }, `this engine runs ${this.#byId.size} builders`);
    this.#loop.start();
  }

  /** Goes on with these builders. Builds that run keep the builder that they began with. */
  async reconfigure(configs: readonly EngineBuilder[]): Promise<void> {
    this.#configs = configs;
    await this.#announce(new Map(this.#byId));
  }

  /** The cluster shall not count on this engine any more; what it still held has ended. */
  async drain(signal: AbortSignal): Promise<void> {
    const { data, persistence, clock } = this.#options;
    const written = persistence
      .write("take the builders back", () => data.updates.builders.configure([]))
      .catch((error: unknown) => {
        if (!(error instanceof Abandoned)) throw error;
      });
    // With the database away they go with the lease: no one waits for that.
    await waitAtMost(clock, patienceMs, written, signal);
  }

  resume(): Promise<void> {
    return this.#announce();
  }

  async #announce(former?: ReadonlyMap<number, ConfiguredBuilder>): Promise<void> {
    const { data, persistence } = this.#options;
    const configs = this.#configs;
    const rows = configs.map((config) => {
      const { name, description, tags, project, workers, maxBuilds = null } = config;
      const { maxEngineDeaths, maxWorkerLosses, weight, canStart } = config;
      const placement = { workers, maxBuilds, directory: nameBuilddir(config), weight, asks: canStart !== undefined };
      return { name, description, tags, project, ...placement, maxEngineDeaths, maxWorkerLosses };
    });
    const ids = await persistence.write("configure the builders", () => data.updates.builders.configure(rows));
    if (former) this.#byId.clear();
    for (const config of configs) {
      const builderid = ids.get(config.name);
      if (builderid !== undefined && !this.#byId.has(builderid))
        this.#byId.set(builderid, new ConfiguredBuilder(builderid, config, former?.get(builderid)));
    }
  }

  failure(): Failure | undefined {
    return this.#loop.failure();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  /** For masters of other releases and of Buildbot: see `mirrorWorkers`. */
  async #mirror(signal: AbortSignal): Promise<void> {
    const { data } = this.#options;
    try {
      while (!signal.aborted && (await data.updates.builders.mirrorWorkers()));
    } catch (error) {
      if (!data.isDatabaseAway(error)) throw error;
    }
  }
}
