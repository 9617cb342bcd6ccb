/** Each change is built by one scheduler, and again by another one if that succeeded. */
import { defineBuilders, defineCluster, defineScheduling, defineUi, defineWorkers, env } from "@multimaster/config";
import anyBranch from "@multimaster/plugins/schedulers/any-branch";
import dependent from "@multimaster/plugins/schedulers/dependent";
import shell from "@multimaster/plugins/steps/shell";

export default defineCluster({
  name: "dependent",
  database: env("DATABASE_URL", ""),
  bus: { router: env("WAMP_ROUTER"), realm: env("WAMP_REALM", "buildbot") },
  lease: env("LEASE", "2s"),
  scheduler: async () => ({
    default: defineScheduling({
      schedulers: [
        anyBranch({ name: "quick", builders: ["quick"] }),
        dependent({ name: "full", upstream: "quick", builders: ["full"] }),
      ],
    }),
  }),
  builders: {
    all: async () => ({
      default: defineBuilders({
        builders: ["quick", "full"].map((name) => ({
          name,
          workers: ["local"],
          steps: [shell({ command: (b) => (b.property("revision") === "bad" ? "false" : "true") })],
        })),
      }),
    }),
  },
  workers: async () => ({ default: defineWorkers({ workers: [{ name: "local", local: true, maxBuilds: 2 }] }) }),
  ui: async () => ({ default: defineUi({ port: 0 }) }),
});
