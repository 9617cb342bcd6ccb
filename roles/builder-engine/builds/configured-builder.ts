import { nameBuilddir } from "@multimaster/config";
import type { PendingRequest } from "@multimaster/data";
import { isOnLastTry, type PlaceableBuilder } from "@multimaster/placement";
import { Secrets } from "../logs/secrets.ts";
import type { EngineBuilder } from "../slice.ts";
import { hashBuilder } from "./resume-point.ts";

/** A builder this engine runs, with its row's id. */
export class ConfiguredBuilder {
  readonly builderid: number;
  readonly config: EngineBuilder;
  readonly secrets: Secrets;
  /** Where it builds on a worker: only one build at a time works in a directory. */
  readonly directory: string;
  /** Builds that run or were promised a place, also those that began with an earlier config. */
  readonly #running: { count: number };
  #hash: string | undefined;

  /** `former`: the same builder by the config before, whose builds may still run. */
  constructor(builderid: number, config: EngineBuilder, former?: ConfiguredBuilder) {
    this.builderid = builderid;
    this.config = config;
    this.#running = former ? former.#running : { count: 0 };
    this.secrets = new Secrets(config.secrets, config.fetchedSecrets?.forBuilder(config.name));
    // In directories and logs there is still what was secret before.
    if (former) this.secrets.keepHidden(former.secrets);
    this.directory = nameBuilddir(config);
  }

  get name(): string {
    return this.config.name;
  }

  get weight(): number {
    return this.config.weight;
  }

  /** Of what its builds do: the same for two engines with the same config. */
  get hash(): string {
    this.#hash ??= hashBuilder(this.config);
    return this.#hash;
  }

  /** As placement sees it now. */
  view(): PlaceableBuilder {
    const { maxBuilds, workers } = this.config;
    return {
      builderid: this.builderid,
      weight: this.weight,
      workers,
      limit: maxBuilds ?? null,
      running: this.#running.count,
      directory: this.directory,
      heldLocks: [],
      closedUntil: null,
    };
  }

  /** Whether one more loss of its build ends the request. One that a running build waits for must not wait for that build. */
  isOnLastTry(request: Pick<PendingRequest, "engineDeaths" | "workerLosses" | "waitedFor">): boolean {
    const { maxEngineDeaths, maxWorkerLosses } = this.config;
    return request.waitedFor !== 1 && isOnLastTry({ ...request, maxEngineDeaths, maxWorkerLosses });
  }

  reserve(): void {
    this.#running.count += 1;
  }

  release(): void {
    this.#running.count -= 1;
  }
}
