/**
 * Upgrades without a gap: several masters of each host behind two balancers (configs/deploy has the balancers' files).
 *
 *   master start --config configs/upgrade/cluster.ts --role scheduler
 *   master start --config configs/upgrade/cluster.ts --role builder-engine --name engine-1
 *   master start --config configs/upgrade/cluster.ts --role builder-engine --name engine-2
 *   master start --config configs/upgrade/cluster.ts --role ui
 *
 * After a change of the config or the code, one command on each host:
 *
 *   master upgrade --config configs/upgrade/cluster.ts
 *
 * The ports are ranges with twice as many ports as the host has masters of that role: during an upgrade, the
 * new masters run beside the old ones, and each uses the first free port. The balancers list all of them; their health
 * check, GET /ready, finds those that listen. Users and workers know the balancers' addresses only.
 */
import { defineCluster, env } from "@multimaster/config";

export default defineCluster({
  name: "upgrade",
  // The balancer for users.
  url: env("UI_URL", "http://ci.example.org/"),
  database: env("DATABASE_URL", "postgresql://multimaster@localhost/multimaster"),
  bus: { router: env("WAMP_ROUTER", "ws://localhost:8080/ws"), realm: env("WAMP_REALM", "buildbot") },
  lease: env("LEASE", "15s"),
  scheduler: () => import("./scheduler.ts"),
  builders: { all: () => import("./builders.ts") },
  workers: () => import("./workers.ts"),
  ui: () => import("./ui.ts"),
});
