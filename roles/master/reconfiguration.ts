import type { OpenOrder } from "@multimaster/cluster";
import { type ConfigChange, compareConfigs, type LoadedConfig, listFixed } from "@multimaster/config";
import { errors, type Logger, systemClock } from "@multimaster/core";
import type { Data } from "@multimaster/data";
import type { HostedRoles, Selection } from "./hosted-roles.ts";
import type { Loaded } from "./threads/messages.ts";

export interface ReconfigurationOptions {
  readonly data: Pick<Data, "updates" | "isDatabaseAway">;
  readonly hosts: Pick<HostedRoles, "names" | "isLeaving">;
  readonly selection: Selection;
  readonly log: Logger;
  /** The config that the master runs. */
  running(): LoadedConfig;
  /** Loads and checks the config's files as they are now; throws with all problems. */
  load(): Promise<LoadedConfig>;
  /** From now on the master runs this; terms that follow begin with it. */
  adopt(config: LoadedConfig): void;
  warn(found: Pick<Loaded, "warnings" | "closedDefaults">): void;
  /** Not all roles took the config over: the master joins again, wholly with it. */
  onBroken(): void;
}

const retryMs = 500;

/** Engines first: what schedulers of the new config ask for has its builders then. */
const inOrder = ["builder-engine", "scheduler", "ui"];

/**
 * Makes a running master go on with a new config, wholly or not at all. Everything that can be wrong is found before anything
 * changes: the files are loaded and checked by the main thread and by each thread of a role.
 */
export class Reconfiguration {
  #options: ReconfigurationOptions;

  constructor(options: ReconfigurationOptions) {
    this.#options = options;
  }

  /** Carries out an order; throws in a sentence when the config cannot be taken over, and then nothing has changed. */
  async run({ orderid, dryRun, orderedBy, reason }: OpenOrder): Promise<void> {
    const { data, log, running } = this.#options;
    const before = running();
    const { changes, next, roles } = await this.#prepare(before);
    const stored = changes.map(({ byCode, ...change }) => ({ ...change, by_code: byCode }));
    const report = { changes: JSON.stringify(stored), before: before.hash, after: next.hash };
    if (dryRun) {
      await discardAll(roles);
      await data.updates.orders.noteReconfig(orderid, report);
    } else {
      await this.#apply(next, roles);
      await this.#write(() => data.updates.orders.noteReconfig(orderid, report));
      const facts = { by: orderedBy, reason, before: before.hash.slice(0, 8), after: next.hash.slice(0, 8) };
      log.info({ ...facts, changes: describeChanges(changes) }, summarize(changes));
    }
    await this.#write(() => data.updates.orders.end(orderid, "done"));
  }

  async #prepare(before: LoadedConfig) {
    const { hosts, selection, load } = this.#options;
    if (hosts.isLeaving) throw errors.drainsNow();
    const next = await load();
    const changes = compareConfigs(before, next);
    const fixed = listFixed(changes);
    if (fixed.length > 0) throw errors.needsRestart(fixed);
    const rank = (name: string) => inOrder.indexOf(name);
    const roles = selection.roles.toSorted((a, b) => rank(a.name) - rank(b.name)).map(({ host }) => host);
    const prepared = await Promise.allSettled(roles.map((host) => host.prepare(next)));
    const failed = prepared.find((one) => one.status === "rejected");
    const isMoved = prepared.some((one) => one.status === "fulfilled" && one.value.hash !== next.hash);
    if (failed || isMoved) await discardAll(roles);
    if (failed) throw failed.reason;
    if (isMoved) throw errors.configMoved();
    return { changes, next, roles };
  }

  async #apply(next: LoadedConfig, roles: readonly Host[]): Promise<void> {
    const { data, hosts, selection, adopt, warn, onBroken, running } = this.#options;
    const before = running();
    const engine = selection.roles.find(({ name }) => name === "builder-engine");
    adopt(next);
    try {
      for (const host of roles) await host.apply();
      if (next.hash !== before.hash) await this.#write(() => data.updates.masters.noteConfig(next.hash));
      const sets = Object.keys(next.shared.builders);
      if (engine?.builderSets === "all" && sets.join() !== selection.builderSets.join()) {
        selection.builderSets = sets;
        await this.#write(() => data.updates.orders.setRoles(hosts.names, sets));
      }
    } catch (error) {
      onBroken();
      throw error;
    }
    warn({ warnings: next.warnings(), closedDefaults: [] });
  }

  /** What has been taken over is written down as soon as the database is there. */
  async #write(write: () => Promise<unknown>): Promise<void> {
    const { data } = this.#options;
    for (;;) {
      try {
        await write();
        return;
      } catch (error) {
        if (!data.isDatabaseAway(error)) throw error;
        await systemClock.sleep(retryMs);
      }
    }
  }
}

type Host = Selection["roles"][number]["host"];

async function discardAll(roles: readonly Host[]): Promise<void> {
  await Promise.all(roles.map((host) => host.discard()));
}

/** Each change in a few words, for the log. */
function describeChanges(changes: readonly ConfigChange[]): string[] {
  return changes
    .slice(0, 200)
    .map(({ change, kind, name, byCode }) => `${change} ${kind} ${name}${byCode ? " (code)" : ""}`);
}

function summarize(changes: readonly ConfigChange[]): string {
  if (changes.length === 0) return "the config was loaded again, and nothing in it has changed";
  const count = (change: ConfigChange["change"]) => changes.filter((one) => one.change === change).length;
  return `a new config is taken over: ${count("added")} added, ${count("changed")} changed, ${count("removed")} removed`;
}
