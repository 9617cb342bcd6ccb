/** An emulator: three builders for each platform, a site that hears of each build, and releases by tag. */
import {
  defineBuilders,
  defineCluster,
  defineScheduling,
  defineUi,
  defineWorkers,
  env,
  envPort,
} from "@multimaster/config";
import gitPoller from "@multimaster/plugins/change-sources/git-poller";
import httpPush from "@multimaster/plugins/reporters/http-push";
import anyBranch from "@multimaster/plugins/schedulers/any-branch";
import triggerable from "@multimaster/plugins/schedulers/triggerable";
import git from "@multimaster/plugins/steps/git";
import httpRequest from "@multimaster/plugins/steps/http-request";
import shell from "@multimaster/plugins/steps/shell";
import trigger from "@multimaster/plugins/steps/trigger";

const repourl = env("REPOSITORY", "https://git.example.org/emulator.git");
const site = env("SITE", "https://site.example.org");
const platforms = ["linux", "windows", "mac"];

/** Notifies the site of a release; if it is away, the build goes on. */
const announce = httpRequest({
  name: "announce",
  url: `${site}/releases`,
  method: "POST",
  json: { builder: (build) => build.build.builderName, number: (build) => build.build.number },
  tryAgain: { times: 2, delay: "1s" },
  flunkOnFailure: false,
});

const compile = shell({ name: "compile", command: ["make", "-j4"], haltOnFailure: true });

export default defineCluster({
  name: "emulator",
  database: env("DATABASE_URL", "sqlite:state/emulator.sqlite"),
  scheduler: async () => ({
    default: defineScheduling({
      changeSources: [gitPoller({ repository: repourl, branches: true, pollInterval: env("POLL_INTERVAL", "1m") })],
      schedulers: [
        anyBranch({
          name: "pushes",
          builders: platforms.flatMap((platform) => [`${platform} debug`, `${platform} release`]),
          changeFilter: { filter: ({ branch }) => !branch?.startsWith("v") },
          treeStableTimer: env("QUIET", "10s"),
        }),
        anyBranch({
          name: "tags",
          builders: platforms.map((platform) => `${platform} release`),
          changeFilter: { branch: /^v\d/ },
          properties: { channel: "stable" },
        }),
        ...platforms.map((platform) => triggerable({ name: `publish ${platform}`, builders: [`${platform} package`] })),
      ],
      // The site hears of each build when it starts and when it ends; while it is away, what it has to hear waits.
      reporters: [httpPush({ name: "site", url: `${site}/builds`, secret: env("SITE_SECRET", "") })],
      retention: {
        rules: [
          { name: "four weeks", delete: "builds", olderThan: "28d" },
          { name: "their changes", delete: "changes", olderThan: "28d" },
        ],
      },
    }),
  }),
  builders: {
    all: async () => ({
      default: defineBuilders({
        builders: platforms.flatMap((platform) => [
          {
            name: `${platform} debug`,
            workers: [platform],
            steps: [git({ repourl }), compile, shell({ name: "test", command: ["make", "test"] })],
          },
          {
            name: `${platform} release`,
            workers: [platform],
            steps: [
              git({ repourl }),
              compile,
              trigger({
                schedulerNames: [`publish ${platform}`],
                copyProperties: ["channel", "got_revision"],
                doStepIf: (build) => build.property("channel") === "stable",
              }),
            ],
          },
          {
            name: `${platform} package`,
            workers: [platform],
            steps: [
              git({ repourl }),
              shell({
                name: "pack",
                command: (build) => ["./pack", String(build.property("channel"))],
                haltOnFailure: true,
              }),
              announce,
            ],
          },
        ]),
      }),
    }),
  },
  workers: async () => ({
    default: defineWorkers({
      port: envPort("WORKER_PORT", 9989),
      workers: platforms.map((name) => ({ name, maxBuilds: 2, password: env(`${name.toUpperCase()}_PASSWORD`) })),
    }),
  }),
  ui: async () => ({ default: defineUi({ host: "127.0.0.1", port: envPort("UI_PORT", 8010), hooks: [] }) }),
});
