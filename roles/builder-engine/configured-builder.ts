import type { BuilderConfig } from "@multimaster/config";
import { nameBuilddir } from "./worker-paths.ts";

/** A builder this engine runs, with its row's id. */
export class ConfiguredBuilder {
  readonly builderid: number;
  readonly config: BuilderConfig;
  /** Where it builds on a worker: only one build at a time works in a directory. */
  readonly directory: string;
  #running = 0;

  constructor(builderid: number, config: BuilderConfig) {
    this.builderid = builderid;
    this.config = config;
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
