/** What a visitor who is logged in sees of their own: one process with a worker inside, whose proxy says who asks. */
import { defineBuilders, defineCluster, defineScheduling, defineUi, defineWorkers, env } from "@multimaster/config";
import proxyHeader from "@multimaster/plugins/auth/proxy-header";
import gitPoller from "@multimaster/plugins/change-sources/git-poller";
import force from "@multimaster/plugins/schedulers/force";
import nightly from "@multimaster/plugins/schedulers/nightly";
import nightlyTriggerable from "@multimaster/plugins/schedulers/nightly-triggerable";
import singleBranch from "@multimaster/plugins/schedulers/single-branch";
import tryScheduler from "@multimaster/plugins/schedulers/try";
import git from "@multimaster/plugins/steps/git";
import shell from "@multimaster/plugins/steps/shell";
import trigger from "@multimaster/plugins/steps/trigger";

const repository = env("REPOSITORY", "");
const builders = ["app"];

export default defineCluster({
  name: "visitor",
  database: env("DATABASE_URL", "sqlite:state/visitor.sqlite"),

  scheduler: async () => ({
    default: defineScheduling({
      changeSources: [gitPoller({ repository, branches: true, pollInterval: "1s", buildOnFirstRun: true })],
      schedulers: [
        singleBranch({ name: "main", branch: "main", builders }),
        singleBranch({ name: "calm", branch: "next", builders, treeStableTimer: "10m" }),
        nightly({ name: "yearly", cron: "@yearly", builders }),
        nightlyTriggerable({ name: "release", cron: "@yearly", builders }),
        tryScheduler({ name: "try", builders }),
        force({
          name: "force",
          builders: [...builders, "waits"],
          buttonName: "Force",
          parameters: [
            { type: "string", name: "target", default: "x86" },
            { type: "bool", name: "verbose", default: false },
          ],
        }),
      ],
    }),
  }),

  builders: {
    main: async () => ({
      default: defineBuilders({
        builders: [
          {
            name: "app",
            workers: ["local"],
            steps: [
              git({ repourl: repository }),
              shell({ name: "compile", command: ["make"] }),
              trigger({ schedulerNames: ["release"] }),
            ],
          },
          { name: "waits", workers: ["away"], steps: [shell({ command: "true" })] },
        ],
      }),
    }),
  },

  workers: async () => ({
    default: defineWorkers({
      port: 0,
      basedir: "state/workers",
      workers: [
        { name: "local", local: true },
        { name: "away", password: "secret" },
      ],
    }),
  }),

  ui: async () => ({
    default: defineUi({
      port: Number(env("UI_PORT", "0")),
      trustedProxies: ["127.0.0.1"],
      authorization: {
        rules: [{ allow: ["read", "try"], on: "tryschedulers", to: ["users"] }],
        otherwise: "allow",
      },
      auth: proxyHeader({ emailHeader: "X-Email", fullNameHeader: "X-Name" }),
    }),
  }),
});
