/**
 * Your cluster. `master start` with this file runs everything in one process, on SQLite, with a local worker.
 * Check it with `master check-config`. Environment variables override the values written here.
 */
import { defineCluster, env } from "@multimaster/config";

export default defineCluster({
  name: "my-cluster",

  // For more than one master: postgresql://USER:PASSWORD@HOST:PORT/NAME
  database: env("DATABASE_URL", "sqlite:state/master.sqlite"),

  // For more than one master: the URL of a crossbar.io router, through which the masters wake each other.
  // Without one, masters on PostgreSQL find work by polling every few seconds.
  bus: { router: env("WAMP_ROUTER") },

  // Each role loads only its own file.
  scheduler: () => import("./scheduler.ts"),
  builders: { main: () => import("./builders.ts") },
  workers: () => import("./workers.ts"),
  ui: () => import("./ui.ts"),
});
