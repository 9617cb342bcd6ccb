import { createRequire } from "node:module";
import { createBusHub } from "@multimaster/bus";
import { LeaseLost } from "@multimaster/cluster";
import { checkConfig, type LoadedConfig } from "@multimaster/config";
import { Backoff, errors, identifyLog, type Logger, type Service, systemClock, UserError } from "@multimaster/core";
import { checkClusterConfig } from "@multimaster/operator/check-cluster-config";
import { createClusterBus } from "@multimaster/operator/cluster-bus";
import { loadClusterConfig } from "@multimaster/operator/load-cluster-config";
import { type RoleName, roleNames } from "../index.ts";
import { checkSlices, type Duties } from "./check-slices.ts";
import { connectionsOfMain } from "./connection-shares.ts";
import type { Selection } from "./hosted-roles.ts";
import { LoopSigns } from "./loop-signs.ts";
import { MasterFigures } from "./master-figures.ts";
import { openClusterDatabase } from "./open-cluster.ts";
import { createPlaces, placeOf } from "./place-roles.ts";
import { selectRoleNames } from "./select-roles.ts";
import { beginTerm, type Term } from "./term.ts";
import type { ExtraContext, TermPlan } from "./term-plan.ts";
import type { Loaded } from "./threads/messages.ts";

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
  /** Takes over the config's files as they are now, or logs what is wrong with them. */
  reconfigure(): void;
  /** Resolves when the master has ended; rejects if it could not go on. */
  readonly finished: Promise<void>;
}

/** Starts a master: opens database and bus, joins the cluster, runs its roles, in threads of their own where `placeOf` says so. */
export async function startMaster(options: StartOptions): Promise<RunningMaster> {
  const names = selectRoleNames(options.roles);
  if (options.builderSets && !names.includes("builder-engine")) throw errors.buildersNeedEngine();
  const builderSets = options.builderSets ?? ("all" as const);
  // The name is known at last when the cluster has been joined.
  const identity: TermPlan["identity"] = { service: "master", ...(options.name ? { master: options.name } : {}) };
  const bindings = { roles: names.join(",") };
  const log = identifyLog(options.log, bindings, identity);
  /** Roles of which the config has been loaded, also those that were dropped since. */
  const loaded = new Set<string>(names);
  const isAll = (all: readonly string[]) => all.length === roleNames.length && builderSets === "all";
  const loadingConfig = loadMasterConfig(options.configFile, isAll(names) ? "whole" : { roles: names, builderSets });
  const signs = new LoopSigns(roleNames);
  const addresses = new Map<string, string>();
  const selection: Selection = { roles: [], builderSets: [] };
  const figures = new MasterFigures(() => selection.roles.map(({ host }) => host));
  const { configFile } = options;
  const open = createPlaces({ configFile, config: loadingConfig, signs, log, bindings, addresses, figures });
  // They load while this thread does.
  const hasThread = (name: RoleName) => placeOf(name, names) === "thread";
  selection.roles = names.map((name) => open(name, builderSets, placeOf(name, names)));
  const loading = Promise.all(selection.roles.map(({ host }) => host.load()));
  loading.catch(() => undefined);

  const owned: (() => Promise<void>)[] = [() => closeRoles(selection)];
  const close = async () => {
    for (const end of owned.toReversed()) await end();
  };
  try {
    const config = await loadingConfig;
    selection.builderSets = builderSets === "all" ? Object.keys(config.shared.builders) : builderSets;
    const warn = warnOnce(log);
    warn({ warnings: config.warnings(), closedDefaults: config.closedDefaults() });
    for (const found of await loading) warn(found);
    const database = await openClusterDatabase(
      config.shared,
      log,
      connectionsOfMain(names.filter(hasThread), names, config.shared.databaseConnections),
    );
    owned.unshift(() => database.close());
    const bus = createClusterBus(config.shared, database, log);
    owned.splice(1, 0, () => bus.stop());
    const plan: TermPlan = {
      ...options,
      log,
      identity,
      config,
      selection,
      signs,
      addresses,
      figures,
      async loadRole(name, sets) {
        const [known] = selectRoleNames([name]);
        if (!known) throw errors.unknownRole(name, roleNames);
        const selected = open(known, sets ?? "all", "thread");
        warn(await selected.host.load());
        await checkSlices(plan.config, [{ roles: [known], builderSets: sets ?? "all" }]);
        loaded.add(known);
        return selected;
      },
      loadConfig: () =>
        loadMasterConfig(configFile, isAll([...loaded]) ? "whole" : { roles: [...loaded], builderSets }),
      warn,
      release: version,
      database,
      bus,
      hub: createBusHub(bus),
    };
    await bus.start();
    const first = await beginFirstTerm(plan);
    return runTerms(plan, first, close);
  } catch (error) {
    await close();
    throw error;
  }
}

/** All slices are checked against each other where all are run here; otherwise each role checks its own. */
async function loadMasterConfig(file: string, duties: "whole" | Duties): Promise<LoadedConfig> {
  const check = (config: LoadedConfig) =>
    checkClusterConfig<unknown>(config, duties === "whole" ? checkConfig : () => checkSlices(config, [duties]));
  const config = await loadClusterConfig(file, check);
  // Also what roles load in threads of their own: a new config is compared with it.
  await check(config);
  return config;
}

async function closeRoles({ roles }: Selection): Promise<void> {
  await Promise.all(roles.map(({ host }) => host.close()));
}

/** Logs each warning of a config once, however many threads have loaded it. */
function warnOnce(log: Logger) {
  const warned = new Set<string>();
  return ({ warnings, closedDefaults }: Pick<Loaded, "warnings" | "closedDefaults">) => {
    for (const text of warnings) {
      if (!warned.has(text)) log.warn(`config: ${text}`);
      warned.add(text);
    }
    for (const text of closedDefaults) {
      if (!warned.has(text)) log.info(`closed by default: ${text} (docs/upgrade.md)`);
      warned.add(text);
    }
  };
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
  let term = first;

  async function run(): Promise<void> {
    for (;;) {
      const ended = await term.run(draining.signal, now.signal);
      if (ended === "stopped") return;
      const why = ended === "lost" ? "the lease was lost" : "a thread died";
      plan.log.warn(`${why}: everything held under the lease is given up, and this master joins again`);
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
    reconfigure: () => {
      term
        .orderReconfig()
        .catch((error: unknown) => plan.log.error({ err: error }, "the new config was not loaded; try again"));
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
