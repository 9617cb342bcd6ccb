/**
 * Asymmetric: each master has its own role. Two teams have an engine each, which runs only their builders:
 *
 *   master start --config configs/asymmetric/cluster.ts --role scheduler
 *   master start --config configs/asymmetric/cluster.ts --role builder-engine --builders web
 *   master start --config configs/asymmetric/cluster.ts --role builder-engine --builders db
 *   master start --config configs/asymmetric/cluster.ts --role ui
 *
 * A role loads only its own file: the ui master never sees a worker's password.
 */
import { defineCluster, env, envPort } from "@multimaster/config";

export default defineCluster({
  name: "asymmetric",
  database: env("DATABASE_URL", "postgresql://multimaster@localhost/multimaster"),
  bus: {
    router: env("WAMP_ROUTER", "ws://localhost:8080/ws"),
    realm: env("WAMP_REALM", "buildbot"),
    authid: env("WAMP_AUTHID"),
    ticket: env("WAMP_TICKET"),
    privateKey: env("WAMP_PRIVATE_KEY"),
  },
  lease: env("LEASE", "15s"),
  // Health checks and metrics of masters without a port of their own, such as schedulers: docs/operators.md.
  monitor: { host: env("MONITOR_HOST", "127.0.0.1"), port: envPort("MONITOR_PORT", "9100-9109") },
  scheduler: () => import("./scheduler.ts"),
  builders: { web: () => import("./builders/web.ts"), db: () => import("./builders/db.ts") },
  workers: () => import("./workers.ts"),
  ui: () => import("./ui.ts"),
});
