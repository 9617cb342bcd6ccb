import type { BuilderConfig } from "@multimaster/config";
import type { Logger, Service } from "@multimaster/core";
import type { Data } from "@multimaster/data";
import { ConfiguredBuilder } from "./configured-builder.ts";
import type { Persistence } from "./persistence.ts";

export interface BuilderRowsOptions {
  configs: readonly BuilderConfig[];
  data: Data;
  persistence: Persistence;
  log: Logger;
}

/** Announces this engine's builders to the cluster and learns their ids. They are taken back with the lease. */
export class BuilderRows implements Service {
  readonly name = "builders";
  #options: BuilderRowsOptions;
  #byId = new Map<number, ConfiguredBuilder>();

  constructor(options: BuilderRowsOptions) {
    this.#options = options;
  }

  /** The builders by id; empty until started. */
  get byId(): ReadonlyMap<number, ConfiguredBuilder> {
    return this.#byId;
  }

  async start(): Promise<void> {
    const { configs, data, persistence, log } = this.#options;
    const rows = configs.map(({ name, description, tags, project, workers }) => ({
      name,
      description,
      tags,
      project,
      workers,
    }));
    const ids = await persistence.write("configure the builders", () => data.updates.builders.configure(rows));
    for (const config of configs) {
      const builderid = ids.get(config.name);
      if (builderid !== undefined) this.#byId.set(builderid, new ConfiguredBuilder(builderid, config));
    }
    log.info({ builders: configs.length }, `this engine runs ${configs.length} builders`);
  }

  async stop(): Promise<void> {}
}
