import { errors } from "@multimaster/core";
import type { MasterStatus } from "@multimaster/operator/upgrade-rows";
import type { StartedAs } from "./started-as.ts";

/** A master to be replaced, and its successor. */
export interface Replacement {
  old: MasterStatus;
  /** The successor's name; it has the same roles and builder sets. */
  name: string;
  roles: readonly string[];
  builderSets: readonly string[] | "all";
  /** The successor's row, if an upgrade that was killed has started it. */
  running?: MasterStatus;
}

export interface PlanOptions {
  host: string;
  /** Only these masters; all of the host when absent. */
  names?: readonly string[];
  /** How a master of this machine was started, if known. */
  startedAs(pid: number): StartedAs | undefined;
  isRunning(pid: number): boolean;
}

/** Plans which masters are replaced, and by what; throws a message if that cannot be decided. */
export function planUpgrade(masters: readonly MasterStatus[], options: PlanOptions): Replacement[] {
  const { host, names } = options;
  const running = masters.filter(({ alive, buildbot }) => alive && !buildbot);
  // A lease outlives a killed process, and a draining master is already ending.
  const here = running.filter((m) => m.host === host && m.state !== "draining" && options.isRunning(m.pid));
  if (here.length === 0) {
    throw errors.noMasterToUpgrade(
      host,
      running.map((master) => `${master.name} on ${master.host}`),
    );
  }
  const known = here.map(({ name }) => name);
  const unknown = names?.filter((name) => !known.includes(name)) ?? [];
  if (unknown.length > 0) throw errors.notRunningOnHost(unknown, host, known);

  const starting = here.filter(({ state }) => state === "starting").map(({ name }) => name);
  if (starting.length > 0) throw errors.masterStarting(starting);
  const chosen = here.filter(({ name }) => names?.includes(name) ?? true);
  const starts = new Map(chosen.map((master) => [master, options.startedAs(master.pid)]));
  if (names === undefined) refuseSeveralConfigs(starts);

  const taken = new Set(masters.filter(({ state }) => state !== "stopped" && state !== "buried").map((m) => m.name));
  return chosen.map((old) => {
    const name = nameSuccessor(old.name, masters, taken);
    taken.add(name);
    const isEngine = old.roles.includes("builder-engine");
    const builderSets = !isEngine || starts.get(old)?.hasAllSets ? "all" : old.builderSets;
    return { old, name, roles: old.roles, builderSets };
  });
}

/**
 * NAME, NAME-2, NAME-3, …: the first that is free. "web-2" counts as a successor of "web" only if there was a master "web":
 * if users number their masters themselves, the successor of "web-2" is "web-2-2", and then "web-2" again.
 */
function nameSuccessor(name: string, masters: readonly MasterStatus[], taken: ReadonlySet<string>): string {
  const [, first] = /^(.+)-\d+$/.exec(name) ?? [];
  const base = first !== undefined && masters.some((master) => master.name === first) ? first : name;
  for (let n = 1; ; n++) {
    const candidate = n === 1 ? base : `${base}-${n}`;
    if (!taken.has(candidate)) return candidate;
  }
}

/** Masters started with different configs cannot all be replaced with one new config. */
function refuseSeveralConfigs(starts: ReadonlyMap<MasterStatus, StartedAs | undefined>): void {
  const byConfig = new Map<string, string[]>();
  for (const [{ name }, start] of starts) {
    if (start) byConfig.set(start.config, [...(byConfig.get(start.config) ?? []), name]);
  }
  if (byConfig.size <= 1) return;
  throw errors.configsDiffer([...byConfig].map(([config, names]) => `${config}: ${names.join(", ")}`));
}
