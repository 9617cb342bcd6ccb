import { createRequire } from "node:module";
import { LeaseLost } from "@multimaster/cluster";
import { checkConfig, type LoadedConfig } from "@multimaster/config";
import { Backoff, errors, identifyLog, type Logger, type Service, systemClock, UserError } from "@multimaster/core";
import { checkClusterConfig } from "@multimaster/operator/check-cluster-config";
import { loadClusterConfig } from "@multimaster/operator/load-cluster-config";
import { roleNames } from "../index.ts";
import { createClusterBus, openClusterDatabase } from "./open-cluster.ts";
import { selectRoles } from "./select-roles.ts";
import { beginTerm, type Term } from "./term.ts";
import type { ExtraContext, TermPlan } from "./term-plan.ts";

const { version } = createRequire(import.meta.url)("@multimaster/roles/package.json") as { version: string };

export interface StartOptions {
  configFile: string;
  /** Names of roles; all when absent. */
  roles?: readonly string[];
  /** Builder sets of an engine; all when absent. */
  builderSets?: readonly string[];
  /** This master's name; host and roles when absent. */
  name?: string;
  log: Logger;
  /** Services that run after the roles', such as a terminal's progress display. */
  extraServices?(context: ExtraContext): readonly Service[];
}

/** A master that runs. */
export interface RunningMaster {
  /** Stops gracefully: takes nothing new on, finishes its running builds, ends. */
  drain(): void;
  /** Stops now: running builds are released. */
  stopNow(): void;
  /** Resolves when the master has ended; rejects if it could not go on. */
  readonly finished: Promise<void>;
}

/** Starts a master: loads its roles' slices, opens database and bus, joins the cluster, runs its services. */
export async function startMaster(options: StartOptions): Promise<RunningMaster> {
  const roles = await selectRoles(options.roles);
  if (options.builderSets && !roles.some((role) => role.name === "builder-engine")) throw errors.buildersNeedEngine();
  const selection = { builderSets: options.builderSets ?? ("all" as const) };
  const whole = roles.length === roleNames.length && selection.builderSets === "all";
  const loadSlices = (config: LoadedConfig) => Promise.all(roles.map((role) => role.loadSlice(config, selection)));

  const check = (config: LoadedConfig) => checkClusterConfig<unknown>(config, whole ? checkConfig : loadSlices);
  const config = await loadClusterConfig(options.configFile, check);
  await check(config);
  const slices = await loadSlices(config);

  // The name is known at last when the cluster has been joined.
  const identity: TermPlan["identity"] = { service: "master", ...(options.name ? { master: options.name } : {}) };
  const log = identifyLog(options.log, { roles: roles.map((role) => role.name).join(",") }, identity);
  const warned = new Set<string>();
  const warn = () => {
    for (const text of config.warnings()) {
      if (!warned.has(text)) log.warn(`config: ${text}`);
      warned.add(text);
    }
    for (const text of config.closedDefaults()) {
      if (!warned.has(text)) log.info(`closed by default: ${text} (docs/upgrade.md)`);
      warned.add(text);
    }
  };
  warn();
  const database = await openClusterDatabase(config.shared, log);
  const bus = createClusterBus(config.shared, database, log);
  const plan: TermPlan = {
    ...options,
    log,
    identity,
    config,
    selection: {
      roles: roles.map((role, i) => ({ role, slice: slices[i] })),
      builderSets: selection.builderSets === "all" ? Object.keys(config.shared.builders) : selection.builderSets,
    },
    async loadRole(name, builderSets) {
      const [role] = await selectRoles([name]);
      if (!role) throw errors.unknownRole(name, roleNames);
      const slice = await role.loadSlice(config, { builderSets: builderSets ?? "all" });
      warn();
      return { role, slice };
    },
    release: version,
    database,
    bus,
  };

  const close = async () => {
    await bus.stop();
    await database.close();
  };
  try {
    await bus.start();
    const first = await beginFirstTerm(plan);
    return runTerms(plan, first, close);
  } catch (error) {
    await close();
    throw error;
  }
}

/** A master that stood still past its lease while it started just starts again. */
async function beginFirstTerm(plan: TermPlan): Promise<Term> {
  for (;;) {
    try {
      return await beginTerm(plan);
    } catch (error) {
      if (!(error instanceof LeaseLost)) throw error;
    }
  }
}

/** One term after the other: when a lease is lost, the master starts over with a new epoch. */
function runTerms(plan: TermPlan, first: Term, close: () => Promise<void>): RunningMaster {
  const draining = new AbortController();
  const now = new AbortController();

  async function run(): Promise<void> {
    let term = first;
    for (;;) {
      const ended = await term.run(draining.signal, now.signal);
      if (ended === "stopped") return;
      plan.log.warn("the lease was lost: everything held under it is given up, and this master joins again");
      const next = await rejoin(plan, draining.signal);
      if (!next) return;
      term = next;
    }
  }

  return {
    drain: () => draining.abort(),
    stopNow: () => {
      draining.abort();
      now.abort();
    },
    finished: run().finally(close),
  };
}

/** Joins again, however long the database is away; undefined when the master has to end before. */
async function rejoin(plan: TermPlan, ending: AbortSignal): Promise<Term | undefined> {
  const backoff = new Backoff({ initial: 200, max: 5000 });
  let away = false;
  while (!ending.aborted) {
    try {
      return await beginTerm(plan);
    } catch (error) {
      // Lost again while starting: another try has a new epoch.
      if (error instanceof LeaseLost) continue;
      // What a user must mend ends the master.
      if (!plan.database.dialect.isAway(error))
        throw error instanceof UserError ? error : new Error("cannot join anew", { cause: error });
      if (!away) plan.log.warn({ err: error }, "the database is away: joining again is tried until it is back");
      away = true;
      await systemClock.sleep(backoff.next(), ending);
    }
  }
  return undefined;
}
