/** One process with all roles, which deletes builds older than two hours while it builds. */
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

export default defineCluster({
  name: "retention",
  database: env("DATABASE_URL", ""),
  lease: "4s",
  scheduler: async () => ({
    default: defineScheduling({
      schedulers: [force({ name: "force", builders: ["quick"] })],
      retention: {
        every: "1s",
        youngest: "1h",
        keepLastSuccess: false,
        rules: [{ name: "old", delete: "builds", olderThan: "2h" }],
      },
    }),
  }),
  builders: {
    all: async () => ({
      default: defineBuilders({
        builders: [{ name: "quick", workers: ["w1"], steps: [shell({ command: "echo built" })] }],
      }),
    }),
  },
  workers: async () => ({
    default: defineWorkers({ basedir: env("DIRECTORY", ""), workers: [{ name: "w1", local: true }] }),
  }),
  ui: async () => ({ default: defineUi({ port: envPort("UI_PORT", 0) }) }),
});
