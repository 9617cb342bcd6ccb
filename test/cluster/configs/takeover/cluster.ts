/** Schedulers and a poller for masters that take over from each other: one builds each change, one waits for a still tree. */
import { defineCluster, defineScheduling, defineUi, env, envPort } from "@multimaster/config";
import gitPoller from "@multimaster/plugins/change-sources/git-poller";
import base from "@multimaster/plugins/hooks/base";
import anyBranch from "@multimaster/plugins/schedulers/any-branch";

export default defineCluster({
  name: "takeover",
  database: env("DATABASE_URL", ""),
  bus: { router: env("WAMP_ROUTER"), realm: env("WAMP_REALM", "buildbot") },
  lease: env("LEASE", "4s"),
  scheduler: async () => ({
    default: defineScheduling({
      changeSources: [
        gitPoller({
          repository: env("REPOSITORY", "."),
          branches: true,
          pollInterval: env("POLL_INTERVAL", "1s"),
        }),
      ],
      schedulers: [
        anyBranch({ name: "each", builders: ["job"] }),
        anyBranch({ name: "stable", builders: ["other"], treeStableTimer: env("TREE_STABLE", "1s") }),
      ],
    }),
  }),
  builders: {},
  ui: async () => ({ default: defineUi({ port: envPort("UI_PORT", 0), hooks: [base({ anybody: true })] }) }),
});
