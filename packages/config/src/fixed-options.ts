import type { ConfigChange } from "./config-parts.ts";

/** Options of the shared part that a running master takes over; what it stands on, such as its database, it cannot change. */
const changeable = new Set(["collapseRequests", "onMaster", "drainDeadline"]);

/** Options of slices that a running master cannot change: where it listens, and what is made once for all connections. */
const fixed = new Set([
  ...["host", "port", "pb", "tls", "proxyProtocol", "trustedProxies", "openMetrics"].map((name) => `workers.${name}`),
  ...["passEnvironment", "basedir", "accounts", "rebalance"].map((name) => `workers.${name}`),
  ...["host", "port", "app", "path", "listenersPerAddress"].map((name) => `ui.${name}`),
]);

/** The options among these changes that only a restart of the master can change. */
export function listFixed(changes: readonly ConfigChange[]): string[] {
  return changes.flatMap(({ kind, name }) => {
    if (kind !== "option") return [];
    const isFixed = name.includes(".") ? fixed.has(name) : !changeable.has(name);
    return isFixed ? [name] : [];
  });
}
