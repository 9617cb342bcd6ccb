/** One process with all roles on a long history, with the retention rules of its environment. */
import {
  defineBuilders,
  defineCluster,
  defineScheduling,
  defineUi,
  defineWorkers,
  env,
  envPort,
} from "@multimaster/config";
import force from "@multimaster/plugins/schedulers/force";
import shell from "@multimaster/plugins/steps/shell";

const deletes = env("DELETE", "") as "" | "logs" | "builds";

export default defineCluster({
  name: "long-history",
  database: env("DATABASE_URL", ""),
  lease: "15s",
  scheduler: async () => ({
    default: defineScheduling({
      schedulers: [force({ name: "force", builders: ["quick"] })],
      ...(deletes !== "" && {
        retention: {
          every: "1s",
          youngest: "1m",
          rules: [{ name: "old", delete: deletes, olderThan: env("OLDER_THAN", "") }],
        },
      }),
    }),
  }),
  builders: {
    all: async () => ({
      default: defineBuilders({
        builders: [{ name: "quick", workers: ["pretender"], steps: [shell({ command: "true" })] }],
      }),
    }),
  },
  workers: async () => ({
    default: defineWorkers({
      host: "127.0.0.1",
      port: envPort("WORKER_PORT", 0),
      workers: [{ name: "pretender", password: env("WORKER_PASSWORD") }],
    }),
  }),
  ui: async () => ({ default: defineUi({ port: envPort("UI_PORT", 0) }) }),
});
