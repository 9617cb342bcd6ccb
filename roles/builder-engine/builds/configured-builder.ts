import { nameBuilddir } from "@multimaster/config";
import { Secrets } from "../logs/secrets.ts";
import type { EngineBuilder } from "../slice.ts";

/** A builder this engine runs, with its row's id. */
export class ConfiguredBuilder {
  readonly builderid: number;
  readonly config: EngineBuilder;
  readonly secrets: Secrets;
  /** Where it builds on a worker: only one build at a time works in a directory. */
  readonly directory: string;
  #running = 0;

  constructor(builderid: number, config: EngineBuilder) {
    this.builderid = builderid;
    this.config = config;
    this.secrets = new Secrets(config.secrets);
    this.directory = nameBuilddir(config);
  }

  get name(): string {
    return this.config.name;
  }

  /** How many more builds of it may run on this engine. */
  get free(): number {
    return (this.config.maxBuilds ?? Number.POSITIVE_INFINITY) - this.#running;
  }

  reserve(): void {
    this.#running += 1;
  }

  release(): void {
    this.#running -= 1;
  }
}
