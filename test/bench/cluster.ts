/** The smallest work that goes all the way: one builder, one step that runs `true`. */
import { defineBuilders, defineCluster, defineScheduling, defineUi, defineWorkers, env } from "@multimaster/config";
import force from "@multimaster/plugins/schedulers/force";
import shell from "@multimaster/plugins/steps/shell";

const workers = env("WORKERS", "w1").split(",");

export default defineCluster({
  name: "bench",
  database: env("DATABASE_URL", ""),
  scheduler: async () => ({
    default: defineScheduling({ schedulers: [force({ name: "force", builders: ["noop"] })] }),
  }),
  builders: {
    all: async () => ({
      default: defineBuilders({ builders: [{ name: "noop", workers, steps: [shell({ command: ["true"] })] }] }),
    }),
  },
  workers: async () => ({
    default: defineWorkers({
      host: "127.0.0.1",
      port: 0,
      workers: workers.map((name) => ({ name, password: env("WORKER_PASSWORD"), maxBuilds: 4 })),
    }),
  }),
  ui: async () => ({ default: defineUi({ port: 0 }) }),
});
