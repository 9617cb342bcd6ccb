import type { Bus, BusHub } from "@multimaster/bus";
import type { LoadedConfig } from "@multimaster/config";
import type { Logger, Service } from "@multimaster/core";
import type { Data } from "@multimaster/data";
import type { Database } from "@multimaster/database";
import type { SelectedRole, Selection } from "./hosted-roles.ts";
import type { LoopSigns } from "./loop-signs.ts";
import type { MasterFigures } from "./master-figures.ts";
import type { Loaded } from "./threads/messages.ts";

/** What every term of this master has in common. */
export interface TermPlan {
  /** What the master runs; a new one takes its place while it runs. */
  config: LoadedConfig;
  /** Roles come and go while the master runs; the next term has those of the last. */
  readonly selection: Selection;
  readonly name?: string;
  readonly release: string;
  readonly database: Database;
  readonly bus: Bus;
  /** By which the threads of the roles use the bus. */
  readonly hub: BusHub;
  /** What the event loops of all threads show. */
  readonly signs: LoopSigns;
  /** Where services of the roles listen, by name. */
  readonly addresses: ReadonlyMap<string, string>;
  readonly log: Logger;
  /** What every line of that log says about this master; each term writes its own facts into it. */
  readonly identity: { service: string; master?: string; epoch?: number };
  /** Gathers the figures of all threads; each term has other ones of the main thread. */
  readonly figures: MasterFigures;
  /** Loads a role, in a thread of its own, that is added while the master runs. */
  loadRole(name: string, builderSets: readonly string[] | undefined): Promise<SelectedRole>;
  /** Loads and checks the config's files as they are now, with the slices of all roles that this master has had. */
  loadConfig(): Promise<LoadedConfig>;
  /** Logs what has not been logged yet. */
  warn(found: Pick<Loaded, "warnings" | "closedDefaults">): void;
  extraServices?(context: ExtraContext): readonly Service[];
}

/** What services that belong to no role work with. */
export interface ExtraContext {
  readonly data: Data;
  readonly log: Logger;
  /** Where services of the roles listen, by name; complete when the extra services start. */
  readonly addresses: ReadonlyMap<string, string>;
}
