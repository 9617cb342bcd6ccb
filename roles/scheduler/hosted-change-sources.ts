import { createHash } from "node:crypto";
import { join } from "node:path";
import type { SchedulerSlice } from "@multimaster/config";
import { Gauge, type Registry } from "@multimaster/core";
import { changesources, equals, problemKey } from "@multimaster/data";
import type { ChangeSourceContext, ChangeSourceDefinition } from "@multimaster/plugins";
import type { RoleContext } from "../define-role.ts";
import { listenForClaims } from "./claim-wakes.ts";
import { passResult, type Singleton, type SingletonKind } from "./claimed-host.ts";

/** The config's change sources, as singletons. */
export function hostChangeSources({
  config,
  data,
  clock,
  log,
  master,
  metrics,
}: RoleContext<SchedulerSlice>): SingletonKind {
  const configured = new Map(
    config.own.changeSources.map(({ plugin, options }) => {
      const definition = plugin as ChangeSourceDefinition;
      return [definition.nameOf(options), { plugin: definition, options }];
    }),
  );
  const { updates } = data;
  const failing = createProblemGauge(metrics);

  function createContext({ id, name, signal }: Singleton, className: string, lost: () => void): ChangeSourceContext {
    const key = (state: string) => ({ object: name, className, name: state });
    let shown: string | null | undefined;
    return {
      name,
      clock,
      log,
      signal,
      // Each master has its own: two masters of one machine must not work in the same directory during a hand-over.
      directory: join(config.directory, "state", nameDirectory(master.name), nameDirectory(name)),
      configDirectory: config.directory,
      getState: (state) => updates.changeSources.getState(key(state)),
      addChanges: async (changes, state) =>
        passResult(
          await updates.changeSources.addPolled(id, changes, { ...key(state.name), value: state.value }),
          lost,
        ),
      async setProblem(problem) {
        if (problem === shown) return;
        const state = problemKey(name);
        // Nothing is written where nothing was and nothing is wrong.
        if (problem !== null || (await updates.changeSources.getState(state)) !== undefined) {
          const value = problem === null ? null : { problem, at: clock.now() };
          if (passResult(await updates.changeSources.addPolled(id, [], { ...state, value }), lost) === "lost") return;
        }
        shown = problem;
        failing.set({ change_source: name }, problem === null ? 0 : 1);
      },
    };
  }

  return {
    noun: "change source",
    field: "changeSource",
    names: [...configured.keys()],
    register: (names) => updates.changeSources.register(names),
    async readStates(ids) {
      const { rows } = await data.find(changesources, { filters: [equals("changesourceid", ...ids)] });
      return new Map(
        rows.map(({ changesourceid, master }) => [changesourceid, { enabled: true, holder: master?.masterid ?? null }]),
      );
    },
    claim: (id) => updates.changeSources.claim(id),
    release: (id) => updates.changeSources.release(id),
    async start(singleton, lost) {
      const { plugin, options } = configured.get(singleton.name) as {
        plugin: ChangeSourceDefinition;
        options: unknown;
      };
      return plugin.start(createContext(singleton, plugin.className, lost), options);
    },
    takeWakes: (ids) => updates.changeSources.takePollRequests(ids),
    listen: (look) =>
      listenForClaims(data, look, [data.events.onControl({ of: "changesources", action: "poll" }, look)]),
  };
}

/** Readable and unlike any other name's, whatever characters the name has. */
function nameDirectory(name: string): string {
  const readable = name
    .replace(/[^a-zA-Z0-9_.-]+/g, "-")
    .replace(/^[-.]+/, "")
    .slice(-60);
  return `${readable}-${createHash("sha1").update(name).digest("hex").slice(0, 8)}`;
}

/** Whether a change source of this master says that it cannot find changes. */
function createProblemGauge(registry: Registry): Gauge {
  const name = "multimaster_change_source_failing";
  return (
    (registry.getSingleMetric(name) as Gauge | undefined) ??
    new Gauge({
      name,
      help: "1 while a change source of this master cannot find changes; the log says why.",
      labelNames: ["change_source"],
      registers: [registry],
    })
  );
}
