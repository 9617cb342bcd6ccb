/** Builds whose tests report as JUnit XML: what is committed is what they say. One builder has no tests. */
import { defineBuilders, defineCluster, defineScheduling, defineUi, defineWorkers, env } from "@multimaster/config";
import gitPoller from "@multimaster/plugins/change-sources/git-poller";
import anyBranch from "@multimaster/plugins/schedulers/any-branch";
import git from "@multimaster/plugins/steps/git";
import junit from "@multimaster/plugins/steps/junit";
import shell from "@multimaster/plugins/steps/shell";

const repository = env("REPOSITORY", "");

export default defineCluster({
  name: "results",
  database: env("DATABASE_URL", "sqlite:state/results.sqlite"),

  scheduler: async () => ({
    default: defineScheduling({
      changeSources: [gitPoller({ repository, pollInterval: "1s", buildOnFirstRun: true })],
      schedulers: [anyBranch({ name: "every-commit", builders: ["web"] })],
    }),
  }),

  builders: {
    main: async () => ({
      default: defineBuilders({
        builders: [
          {
            name: "web",
            workers: ["local"],
            steps: [
              git({ repourl: repository }),
              shell({ name: "tests", command: "mkdir -p reports && cp report.xml reports/unit.xml" }),
              junit({ name: "results", files: "reports/**/*.xml", suite: "unit tests" }),
            ],
          },
          { name: "docs", workers: ["local"], steps: [shell({ name: "nothing", command: ["true"] })] },
        ],
      }),
    }),
  },

  workers: async () => ({
    default: defineWorkers({ port: 0, basedir: "state/workers", workers: [{ name: "local", local: true }] }),
  }),

  ui: async () => ({ default: defineUi({ port: Number(env("UI_PORT", "0")), title: "Results" }) }),
});
