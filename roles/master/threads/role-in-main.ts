import type { Lease, LoopSign } from "@multimaster/cluster";
import type { LoadedConfig } from "@multimaster/config";
import type { FiguresText, Logger, MetricFigures } from "@multimaster/core";
import type { Role } from "../../define-role.ts";
import { type RoleName, roles } from "../../index.ts";
import { type Loaded, noState, type RoleState, type Standing } from "./messages.ts";
import type { Beginning, RoleHost } from "./role-host.ts";
import { RoleTerm } from "./role-term.ts";

export interface RoleInMainOptions {
  readonly name: RoleName;
  readonly builderSets: readonly string[] | "all";
  /** What the main thread loads. */
  readonly config: Promise<LoadedConfig>;
  /** Of the main thread. */
  readonly sign: LoopSign;
  readonly log: Logger;
  listening(service: string, url: string): void;
  figures(): Promise<FiguresText>;
}

interface LoadedRole {
  readonly role: Role<unknown>;
  readonly config: LoadedConfig;
  readonly slice: unknown;
}

/** A role in the main thread, with the database, the bus and the log of its master. An error that no one catches ends the master. */
export class RoleInMain implements RoleHost {
  readonly name: RoleName;
  readonly pauseMs = 0;
  /** Who can ask is not blocked. */
  readonly blockedMs = 0;
  hasWorked = false;
  term: Lease | undefined;
  #options: RoleInMainOptions;
  #loading: Promise<Loaded> | undefined;
  #loaded: LoadedRole | undefined;
  #prepared: LoadedRole | undefined;
  #running: RoleTerm | undefined;

  constructor(options: RoleInMainOptions) {
    this.#options = options;
    this.name = options.name;
  }

  get state(): RoleState {
    return this.#running?.state ?? noState;
  }

  get holdsClaims(): boolean {
    return this.#loaded?.role.holdsClaims ?? true;
  }

  onDeath(): void {}

  load(): Promise<Loaded> {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  async begin({ lease, standing, shared }: Beginning): Promise<void> {
    await this.load();
    const loaded = this.#loaded;
    if (!loaded) throw new Error("the config has not been loaded");
    const { log, sign, listening, figures } = this.#options;
    const { database, bus } = shared;
    this.#running = new RoleTerm({ ...loaded, sign, database, bus, log, listening, figures }, { lease, standing });
    this.term = lease;
    try {
      await this.#running.start();
      this.hasWorked = true;
    } catch (error) {
      this.term = undefined;
      throw error;
    }
  }

  renew(lease: Lease): void {
    this.term = lease;
    this.#running?.renew(lease);
  }

  async drain(): Promise<void> {
    await this.#running?.drain();
  }

  force(reason: string): void {
    this.#running?.force(reason);
  }

  async resume(): Promise<void> {
    await this.#running?.resume();
  }

  async look(): Promise<void> {}

  lose(): void {
    this.#running?.lose();
  }

  setStanding(standing: Standing): void {
    this.#running?.setStanding(standing);
  }

  async measure(): Promise<MetricFigures> {
    return this.#running?.measure() ?? [];
  }

  async prepare(config: LoadedConfig): Promise<Loaded> {
    this.#prepared = await this.#loadRole(config);
    return describe(this.#prepared);
  }

  async apply(): Promise<void> {
    const prepared = this.#prepared;
    if (!prepared) throw new Error("no config has been prepared");
    this.#prepared = undefined;
    this.#loaded = prepared;
    if (this.term) await this.#running?.reconfigure(prepared.config, prepared.slice);
  }

  async discard(): Promise<void> {
    this.#prepared = undefined;
  }

  async stop(): Promise<void> {
    if (!this.term) return;
    await this.#running?.stop();
    this.term = undefined;
  }

  async close(): Promise<void> {
    await this.stop();
    await this.#running?.close();
  }

  async #load(): Promise<Loaded> {
    this.#loaded = await this.#loadRole(await this.#options.config);
    return describe(this.#loaded);
  }

  async #loadRole(config: LoadedConfig): Promise<LoadedRole> {
    const { name, builderSets } = this.#options;
    const role = await roles[name]();
    return { role, config, slice: await role.loadSlice(config, { builderSets }) };
  }
}

/** What the config said the main thread has read itself. */
function describe({ role, config }: LoadedRole): Loaded {
  return { holdsClaims: role.holdsClaims, hash: config.hash, warnings: [], closedDefaults: [] };
}
