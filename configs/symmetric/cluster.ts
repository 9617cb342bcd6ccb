/**
 * Symmetric: every master starts with the same roles, to scale out. Start as many as you like, each with its own ports:
 *
 *   master start --config configs/symmetric/cluster.ts
 *
 * DATABASE_URL, WAMP_ROUTER, REPOSITORY and WORKER_PASSWORD come from the environment, the ports too.
 */
import { defineCluster, env } from "@multimaster/config";

export default defineCluster({
  name: "symmetric",
  database: env("DATABASE_URL", "postgresql://multimaster@localhost/multimaster"),
  bus: {
    router: env("WAMP_ROUTER", "ws://localhost:8080/ws"),
    realm: env("WAMP_REALM", "buildbot"),
    authid: env("WAMP_AUTHID"),
    ticket: env("WAMP_TICKET"),
    privateKey: env("WAMP_PRIVATE_KEY"),
  },
  lease: env("LEASE", "15s"),
  scheduler: () => import("./scheduler.ts"),
  builders: { all: () => import("./builders.ts") },
  workers: () => import("./workers.ts"),
  ui: () => import("./ui.ts"),
});
