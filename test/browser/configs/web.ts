/**
 * What the pages of the browser app are shown with: one process, a worker inside it, and builders that succeed, fail, print
 * colours, run until they are let go, and wait for a worker that never comes.
 */
import { defineBuilders, defineCluster, defineScheduling, defineUi, defineWorkers, env } from "@multimaster/config";
import gitPoller from "@multimaster/plugins/change-sources/git-poller";
import anyBranch from "@multimaster/plugins/schedulers/any-branch";
import force from "@multimaster/plugins/schedulers/force";
import git from "@multimaster/plugins/steps/git";
import shell from "@multimaster/plugins/steps/shell";

const repository = env("REPOSITORY", "");
const gate = env("GATE", "");
const source = git({ repourl: repository });
const quick = ["web", "api", "docs"];
const many = Array.from({ length: Number(env("MANY", "0")) }, (_, i) => `generated-${String(i).padStart(4, "0")}`);

const colours = `printf '\\033[32mPASS\\033[0m one\\n\\033[1;31mFAIL\\033[0m two: expected 3, got 4\\n<b>no markup</b>\\n'`;
const forced = [...quick, "tests", "live", "long", "waits"];

export default defineCluster({
  name: "web",
  database: env("DATABASE_URL", "sqlite:state/web.sqlite"),
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
            description: "Prints a line every tenth of a second until it is let go",
            tags: ["slow"],
            workers: ["local"],
            steps: [
              shell({
                name: "count",
                command: `i=0; while [ ! -e ${gate} ]; do i=$((i+1)); echo "tick $i of the count"; sleep 0.1; done`,
              }),
            ],
          },
          {
            name: "long",
            description: "Prints many lines",
            tags: ["slow"],
            workers: ["local"],
            steps: [shell({ name: "print", command: `seq -f 'line %.0f of a long log' 1 ${env("LINES", "50000")}` })],
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
  },

  workers: async () => ({
    default: defineWorkers({
      port: 0,
      basedir: "state/workers",
      workers: [
        { name: "local", local: true, maxBuilds: 3 },
        { name: "away", password: "secret" },
      ],
    }),
  }),

  ui: async () => ({ default: defineUi({ port: Number(env("UI_PORT", "0")), title: "Pages" }) }),
});
