/** What the screenshots show: the builders of a small product, on two engines, with one that fails and one that waits. */
import { defineBuilders, defineCluster, defineScheduling, defineUi, defineWorkers, env } from "@multimaster/config";
import gitPoller from "@multimaster/plugins/change-sources/git-poller";
import anyBranch from "@multimaster/plugins/schedulers/any-branch";
import force from "@multimaster/plugins/schedulers/force";
import singleBranch from "@multimaster/plugins/schedulers/single-branch";
import git from "@multimaster/plugins/steps/git";
import junit from "@multimaster/plugins/steps/junit";
import shell from "@multimaster/plugins/steps/shell";

const repository = env("REPOSITORY", "");
const password = env("WORKER_PASSWORD", "");
const linux = ["linux-1", "linux-2"];
const make = (target: string) =>
  target === "results"
    ? junit({ name: target, files: "reports/*.xml", removeFiles: true })
    : shell({ name: target, command: ["make", "-s", target] });

const builder = (
  name: string,
  description: string,
  steps: readonly string[],
  { workers = linux, tags = ["product"] }: { workers?: string[]; tags?: string[] } = {},
) => ({ name, description, tags, workers, steps: [git({ repourl: repository }), ...steps.map(make)] });

const builders = [
  builder("web", "The shop's pages", ["install", "compile", "bundle"]),
  builder("api", "The service behind them", ["install", "compile", "test", "results"]),
  builder("lint", "Style and types", ["install", "lint"], { tags: ["checks"] }),
  builder("docs", "The manual", ["manual"], { tags: ["checks"] }),
  builder("end-to-end", "A browser buys things", ["install", "buy"], { workers: ["arm-1"], tags: ["slow"] }),
  builder("ios", "The app for phones", ["compile"], { workers: ["mac-1"], tags: ["slow", "apps"] }),
];
const quick = ["web", "api", "lint", "docs"];

export default defineCluster({
  name: "shop",
  database: env("DATABASE_URL", ""),
  bus: { router: env("WAMP_ROUTER", ""), realm: env("WAMP_REALM", "buildbot") },
  lease: env("LEASE", "15s"),
  scheduler: async () => ({
    default: defineScheduling({
      changeSources: [gitPoller({ repository, branches: true, pollInterval: "1s", buildOnFirstRun: true })],
      schedulers: [
        anyBranch({ name: "every-commit", builders: quick }),
        singleBranch({ name: "apps", branch: "main", builders: ["ios"], treeStableTimer: "20m" }),
        force({
          name: "force",
          builders: builders.map(({ name }) => name),
          label: "Force a build",
          buttonName: "Force",
          parameters: [
            { type: "choice", name: "target", choices: ["staging", "production"], default: "staging" },
            { type: "bool", name: "verbose", label: "Print more" },
          ],
        }),
      ],
    }),
  }),
  builders: { all: async () => ({ default: defineBuilders({ builders }) }) },
  workers: async () => ({
    default: defineWorkers({
      host: "127.0.0.1",
      port: 0,
      workers: [...linux, "arm-1", "mac-1"].map((name) => ({ name, password })),
    }),
  }),
  ui: async () => ({ default: defineUi({ port: 0, title: "Shop CI" }) }),
});
