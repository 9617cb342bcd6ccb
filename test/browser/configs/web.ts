/**
 * What the pages of the browser app are shown with, in one process or in a cluster: a worker inside of the engine, and builders
 * that succeed, fail, print colours, run until they are released, wait for a worker that never comes, and block their engine.
 */
import { existsSync } from "node:fs";
import {
  defineBuilders,
  defineCluster,
  defineLock,
  defineScheduling,
  defineUi,
  defineWorkers,
  env,
  envPort,
} from "@multimaster/config";
import { defineStep } from "@multimaster/plugins";
import gitPoller from "@multimaster/plugins/change-sources/git-poller";
import anyBranch from "@multimaster/plugins/schedulers/any-branch";
import force from "@multimaster/plugins/schedulers/force";
import git from "@multimaster/plugins/steps/git";
import shell from "@multimaster/plugins/steps/shell";
import { z } from "zod";

const repository = env("REPOSITORY", "");
const gate = env("GATE", "");
const lines = env("LINES", "50000");
const tick = env("TICK", "0.1");
const source = git({ repourl: repository });
const quick = ["web", "api", "docs"];
const many = Array.from({ length: Number(env("MANY", "0")) }, (_, i) => `generated-${String(i).padStart(4, "0")}`);

const colours = `printf '\\033[32mPASS\\033[0m one\\n\\033[1;31mFAIL\\033[0m two: expected 3, got 4\\n<b>no markup</b>\\n'`;
const count = `i=0; while [ ! -e ${gate} ]; do i=$((i+1)); echo "tick $i of the count"; sleep ${tick}; done`;
const forced = [...quick, "tests", "live", "long", "grows", "bakes", "waits", "parses"];

const oven = defineLock({ name: "oven" });

/** Computes in the engine itself, which does nothing else until this is over. */
const block = defineStep({
  type: "block",
  options: z.object({ until: z.string() }),
  async run(_ctx, { until }) {
    while (!existsSync(until));
    return 0;
  },
});

export default defineCluster({
  name: "web",
  database: env("DATABASE_URL", "sqlite:state/web.sqlite"),
  bus: { router: env("WAMP_ROUTER"), realm: env("WAMP_REALM", "buildbot") },
  lease: env("LEASE", "15s"),

  scheduler: async () => ({
    default: defineScheduling({
      changeSources: [gitPoller({ repository, pollInterval: "1s", buildOnFirstRun: true })],
      schedulers: [
        anyBranch({ name: "every-commit", builders: [...quick, "tests"] }),
        force({ name: "force", builders: forced, label: "Force a build", buttonName: "Force" }),
      ],
    }),
  }),

  builders: {
    main: async () => ({
      default: defineBuilders({
        builders: [
          ...quick.map((name) => ({
            name,
            description: `Builds ${name}`,
            tags: name === "docs" ? ["docs"] : ["product", "linux"],
            workers: ["local"],
            steps: [
              source,
              shell({ name: "compile", command: ["make"] }),
              shell({ name: "list", command: ["ls", "-l"] }),
            ],
          })),
          {
            name: "tests",
            description: "Runs the tests; they fail",
            tags: ["product", "linux"],
            workers: ["local"],
            steps: [source, shell({ name: "tests", command: `make && ${colours} && exit 1` })],
          },
          {
            name: "live",
            description: "Prints a line every tenth of a second until it is released",
            tags: ["slow"],
            workers: ["local"],
            steps: [shell({ name: "count", command: count })],
          },
          {
            name: "long",
            description: "Prints many lines",
            tags: ["slow"],
            workers: ["local"],
            steps: [shell({ name: "print", command: `seq -f 'line %.0f of a long log' 1 ${lines}` })],
          },
          {
            name: "grows",
            description: "Prints many lines, and then goes on",
            tags: ["slow"],
            workers: ["local"],
            locks: [oven.exclusive()],
            steps: [shell({ name: "print", command: `seq -f 'line %.0f of a long log' 1 ${lines}; ${count}` })],
          },
          {
            name: "bakes",
            description: "Waits for the lock of another builder",
            tags: ["slow"],
            workers: ["local"],
            locks: [oven.exclusive()],
            steps: [shell({ name: "bake", command: ["true"] })],
          },
          {
            name: "waits",
            description: "Waits for a worker that is away",
            tags: ["slow"],
            workers: ["away"],
            steps: [shell({ name: "never", command: ["true"] })],
          },
          ...many.map((name) => ({
            name,
            tags: ["generated"],
            workers: ["local"],
            steps: [shell({ name: "nothing", command: ["true"] })],
          })),
        ],
      }),
    }),
    blocking: async () => ({
      default: defineBuilders({
        builders: [
          {
            name: "parses",
            description: "Stops the engine that runs it until it is released",
            tags: ["slow"],
            workers: ["parser"],
            steps: [shell({ name: "fetch", command: "true" }), block({ name: "parse", until: env("RELEASE", gate) })],
          },
        ],
      }),
    }),
  },

  workers: async () => ({
    default: defineWorkers({
      host: "127.0.0.1",
      port: envPort("WORKER_PORT", 0),
      basedir: env("WORKER_BASEDIR", "state/workers"),
      workers: [
        { name: "local", local: true, maxBuilds: 3 },
        ...["away", "parser"].map((name) => ({ name, password: env("WORKER_PASSWORD", "secret") })),
      ],
    }),
  }),

  ui: async () => ({ default: defineUi({ port: envPort("UI_PORT", 0), title: "Pages" }) }),
});
