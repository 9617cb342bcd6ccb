import type { Lease, LoopSign } from "@multimaster/cluster";
import { type Audience, type Logger, type Registry, type RunOptions, systemClock } from "@multimaster/core";
import type { Data } from "@multimaster/data";
import { HostedRoles } from "./hosted-roles.ts";
import type { TermPlan } from "./term-plan.ts";

/** What the roles of a master work with, beside their slices. */
export interface RoleParts {
  readonly data: Data;
  readonly log: Logger;
  readonly metrics: Registry;
  readonly loop: LoopSign;
  readonly lost: AbortSignal;
}

/** The roles of the plan under this lease; `isReady`: of what they stand on. */
export function hostRoles(
  plan: TermPlan,
  lease: Lease,
  parts: RoleParts,
  run: RunOptions,
  isReady: (audience?: Audience) => true | string[],
): HostedRoles {
  const { data, log, metrics } = parts;
  const { directory, shared } = plan.config;
  const master = { name: lease.name, masterid: lease.masterid };
  const addresses = new Map<string, string>();
  const listening = (service: string, url: string) => {
    addresses.set(service, url);
    log.info({ service, url }, "listening");
  };
  const common = { ...parts, master, clock: systemClock, listening };
  // So that a role that is dropped can be added again.
  const metricsOf = new Map<string, Set<string>>();
  return new HostedRoles({
    selection: plan.selection,
    log,
    makeServices({ role, slice }, ready) {
      const before = new Set(metrics.getMetricsAsArray().map(({ name }) => name));
      const services = role.services({ ...common, ready, config: { own: slice, shared, directory } });
      const own = metrics.getMetricsAsArray().map(({ name }) => name);
      metricsOf.set(role.name, new Set(own.filter((name) => !before.has(name))));
      return services;
    },
    onDropped(role) {
      for (const name of metricsOf.get(role) ?? []) metrics.removeSingleMetric(name);
    },
    extra: plan.extraServices?.({ data, log, addresses }) ?? [],
    run,
    isReady,
  });
}
