import type { MasterStatus } from "./membership.ts";

/** Masters are given so long to take over a new config, one after the other. */
export const splitAfterSeconds = 300;

/** Masters of one role that run different configs. */
export interface ConfigSplit {
  readonly role: string;
  /** The names of the masters, by the config that they run. */
  readonly configs: ReadonlyMap<string, readonly string[]>;
}

/** The roles whose live masters have been running different configs for longer than a change takes. */
export function findConfigSplits(
  masters: readonly Pick<MasterStatus, "name" | "alive" | "roles" | "configHash" | "configAge">[],
): ConfigSplit[] {
  const known = masters.filter(({ alive, configHash }) => alive && configHash !== null);
  const roles = [...new Set(known.flatMap((master) => master.roles))].sort();
  return roles.flatMap((role) => {
    const ofRole = known.filter((master) => master.roles.includes(role));
    const isSettled = ofRole.every(({ configAge }) => (configAge ?? 0) >= splitAfterSeconds);
    const configs = new Map<string, string[]>();
    for (const { configHash, name } of ofRole) {
      const hash = configHash as string;
      configs.set(hash, [...(configs.get(hash) ?? []), name]);
    }
    return isSettled && configs.size > 1 ? [{ role, configs }] : [];
  });
}

/** The split in a sentence. */
export function describeSplit({ role, configs }: ConfigSplit): string {
  const groups = [...configs].map(([hash, names]) => `${names.join(", ")} (${hash.slice(0, 8)})`);
  return `Masters of the role ${role} run different configs: ${groups.join("; ")}. "master reconfig --all" brings all to the config in their files.`;
}
