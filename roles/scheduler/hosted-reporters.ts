import type { SchedulerSlice } from "@multimaster/config";
import { reporters } from "@multimaster/data";
import type { ReporterDefinition, ReporterOptions, Running } from "@multimaster/plugins";
import type { RoleContext } from "../define-role.ts";
import { listenForClaims } from "./claim-wakes.ts";
import type { SingletonKind } from "./claimed-host.ts";
import type { ConfiguredReporter } from "./reporting/configured-reporter.ts";
import { handEventsOut } from "./reporting/hand-out.ts";
import { kindsOf } from "./reporting/kinds-of.ts";
import { noteWaits } from "./reporting/note-waits.ts";
import { createReportGauges } from "./reporting/report-gauges.ts";
import { sendReports } from "./reporting/send-reports.ts";
import { shareReads } from "./reporting/share-reads.ts";

/** The singleton that finds out who is to report what. A config can give no name that begins with a space. */
export const handOut = " hand-out";
const handOutType = "hand-out";

/** The config's reporters, as singletons, and one more that hands out to them what happened. */
export function hostReporters(context: RoleContext<SchedulerSlice>): SingletonKind {
  const { config, data, clock, log, metrics } = context;
  const configured = new Map(
    config.own.reporters.map(({ plugin, options }): [string, ConfiguredReporter] => {
      const { name } = options as ReporterOptions;
      return [name, { name, plugin: plugin as unknown as ReporterDefinition, options: options as ReporterOptions }];
    }),
  );
  const updates = data.updates.reports;
  const shared = shareReads(updates, clock);
  const gauges = createReportGauges(metrics);
  let ids: ReadonlyMap<string, number> = new Map();

  return {
    noun: "reporter",
    field: "reporter",
    names: configured.size === 0 ? [] : [handOut, ...configured.keys()],
    async register() {
      ids = await updates.register([
        { name: handOut, type: handOutType, kinds: [] },
        ...[...configured.values()].map((one) => ({
          name: one.name,
          type: one.plugin.type,
          kinds: kindsOf(one),
          steps: one.options.steps,
        })),
      ]);
      return ids;
    },
    async registerNone() {
      await updates.register([]);
    },
    async readStates(wanted) {
      const holders = await updates.holders(wanted);
      return new Map(wanted.map((id) => [id, { enabled: true, holder: holders.get(id) ?? null }]));
    },
    claim: (id) => updates.claim(id),
    release: (id) => updates.release(id),
    async start(singleton, lost) {
      const base = { singleton, lost, updates, clock, log };
      if (singleton.name === handOut) {
        const all = [...configured.values()].map((one) => ({ ...one, id: ids.get(one.name) as number }));
        return runBoth(handEventsOut({ ...base, reporters: all }), noteWaits({ ...base, data, reporters: all }));
      }
      const reporter = configured.get(singleton.name) as ConfiguredReporter;
      const { name, url = "http://localhost:8010/" } = config.shared;
      return sendReports({ ...base, updates: { ...updates, ...shared }, reporter, gauges, cluster: { name, url } });
    },
    listen: (look, wake) =>
      listenForClaims(data, look, [
        data.events.on(reporters, "changed", ({ id }) => wake((name) => ids.get(name) === id)),
      ]),
  };
}

/** Two loops under one claim. */
function runBoth(first: Running, second: Running | undefined): Running {
  if (!second) return first;
  return {
    wake: () => first.wake?.(),
    async stop() {
      await Promise.all([first.stop(), second.stop()]);
    },
    failure: () => first.failure?.() ?? second.failure?.(),
  };
}
