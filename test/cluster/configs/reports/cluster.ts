/** Builds of changes, whose states a forge is told. */
import {
  defineBuilders,
  defineCluster,
  defineScheduling,
  defineUi,
  defineWorkers,
  env,
  envPort,
} from "@multimaster/config";
import base from "@multimaster/plugins/hooks/base";
import gitHubStatus from "@multimaster/plugins/reporters/github-status";
import anyBranch from "@multimaster/plugins/schedulers/any-branch";
import shell from "@multimaster/plugins/steps/shell";

export default defineCluster({
  name: "reports",
  url: "http://ci.example.org/",
  database: env("DATABASE_URL", ""),
  bus: { router: env("WAMP_ROUTER"), realm: env("WAMP_REALM", "buildbot") },
  lease: env("LEASE", "4s"),
  scheduler: async () => ({
    default: defineScheduling({
      schedulers: [anyBranch({ name: "each", builders: ["job"] })],
      reporters: [
        gitHubStatus({
          name: "forge",
          apiUrl: env("FORGE_URL", "http://127.0.0.1:1"),
          token: env("FORGE_TICKET") ?? "not set",
          parallel: 8,
        }),
      ],
    }),
  }),
  builders: {
    main: async () => ({
      default: defineBuilders({
        builders: [
          {
            name: "job",
            collapseRequests: false,
            workers: ["local"],
            steps: [shell({ name: "work", command: ["true"] })],
          },
        ],
      }),
    }),
  },
  workers: async () => ({ default: defineWorkers({ workers: [{ name: "local", local: true, maxBuilds: 4 }] }) }),
  ui: async () => ({ default: defineUi({ port: envPort("UI_PORT", 0), hooks: [base({ anybody: true })] }) }),
});
