import type { LoadedConfig } from "@multimaster/config";
import type { Logger } from "@multimaster/core";
import type { RoleName } from "../index.ts";
import type { SelectedRole } from "./hosted-roles.ts";
import type { LoopSigns } from "./loop-signs.ts";
import type { MasterFigures } from "./master-figures.ts";
import { RoleInMain } from "./threads/role-in-main.ts";
import { RoleThread } from "./threads/role-thread.ts";

/** Where a role runs. */
export type Place = "main" | "thread";

export interface PlacesOptions {
  readonly configFile: string;
  /** What the main thread loads. */
  readonly config: Promise<LoadedConfig>;
  readonly signs: LoopSigns;
  readonly log: Logger;
  /** Fields on each line of a thread's log. */
  readonly bindings: Readonly<Record<string, unknown>>;
  /** Where services listen, by name: filled in here. */
  readonly addresses: Map<string, string>;
  readonly figures: MasterFigures;
}

/**
 * Where the roles of a master run that starts. An engine runs steps, which are code of users, so it has a thread beside other
 * roles: a step that blocks stalls no page. Each thread loads the program once more, and an engine that is alone stalls no one.
 */
export function placeOf(role: RoleName, all: readonly RoleName[]): Place {
  return role === "builder-engine" && all.length > 1 ? "thread" : "main";
}

/** Makes the hosts of the roles of one master. */
export function createPlaces({ configFile, config, signs, log, bindings, addresses, figures }: PlacesOptions) {
  const listening = (service: string, url: string) => void addresses.set(service, url);
  const all = () => figures.text();
  return (name: RoleName, builderSets: readonly string[] | "all", place: Place): SelectedRole => {
    const common = { name, builderSets, log, listening, figures: all };
    const host =
      place === "main"
        ? new RoleInMain({ ...common, config, sign: signs.main })
        : new RoleThread({ ...common, configFile, sign: signs.of(name), bindings });
    return { name, host, builderSets };
  };
}
