import { retentionPlan, type SchedulerSlice } from "@multimaster/config";
import { Counter, Gauge, Histogram, type Registry } from "@multimaster/core";
import { SettledParts } from "@multimaster/data";
import { startPolling } from "@multimaster/plugins";
import type { RoleContext } from "../define-role.ts";
import { listenForClaims } from "./claim-wakes.ts";
import type { SingletonKind } from "./claimed-host.ts";

/** After a start, schedulers read first what came while no master ran. */
const settleMs = 60_000;

/** The job that deletes what the config's rules name, as a singleton; without rules there is none. */
export function hostRetention({ config, data, clock, log, metrics }: RoleContext<SchedulerSlice>): SingletonKind {
  const { retention } = config.own;
  const { updates } = data;
  const figures = createFigures(metrics);
  return {
    noun: "job",
    field: "job",
    names: retention && retention.rules.length > 0 ? ["retention"] : [],
    register: async ([name]) => new Map([[name as string, await updates.retention.register()]]),
    async readStates(ids) {
      return new Map(
        await Promise.all(
          ids.map(async (id) => [id, { enabled: true, holder: await updates.retention.holder(id) }] as const),
        ),
      );
    },
    claim: (id) => updates.retention.claim(id),
    release: (id) => updates.retention.release(id),
    async start({ id }, lost) {
      if (!retention) return { stop: async () => {} };
      const plan = retentionPlan(config.own);
      const settled = new SettledParts();
      return startPolling(
        { name: "retention", clock, log },
        {
          pollMs: Math.min(settleMs, retention.every),
          atStart: false,
          async poll(signal) {
            const end = await updates.retention.run({
              jobid: id,
              plan,
              everyMs: retention.every,
              signal,
              settled,
              counted: (rule, some) => {
                for (const [what, count] of Object.entries(some)) figures.deleted.inc({ rule: rule.name, what }, count);
              },
              wrote: (seconds) => figures.batches.observe(seconds),
            });
            if (end === "lost") lost();
            else if (end.ran) figures.lastEnd.set(clock.now() / 1000);
            return undefined;
          },
        },
      );
    },
    listen: (look) => listenForClaims(data, look),
  };
}

/** Another term of the same master counts on. */
function createFigures(registry: Registry) {
  const known = <T>(name: string, create: () => T): T => (registry.getSingleMetric(name) as T | undefined) ?? create();
  const registers = [registry];
  return {
    deleted: known(
      "multimaster_retention_deleted_total",
      () =>
        new Counter({
          name: "multimaster_retention_deleted_total",
          help: "Builds, logs, bytes and more that rules of retention deleted on this master.",
          labelNames: ["rule", "what"],
          registers,
        }),
    ),
    batches: known(
      "multimaster_retention_transaction_seconds",
      () =>
        new Histogram({
          name: "multimaster_retention_transaction_seconds",
          help: "Duration of the transactions of retention.",
          buckets: [0.005, 0.02, 0.1, 0.5, 2, 10],
          registers,
        }),
    ),
    lastEnd: known(
      "multimaster_retention_last_end_seconds",
      () =>
        new Gauge({
          name: "multimaster_retention_last_end_seconds",
          help: "When the last run of retention on this master ended, in seconds since 1970.",
          registers,
        }),
    ),
  };
}
