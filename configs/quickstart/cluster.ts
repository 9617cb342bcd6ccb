/**
 * The quick start: one process with all roles, SQLite, and a worker inside the process. `npm start` runs it.
 */
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
import anyBranch from "@multimaster/plugins/schedulers/any-branch";
import force from "@multimaster/plugins/schedulers/force";
import git from "@multimaster/plugins/steps/git";
import shell from "@multimaster/plugins/steps/shell";

const repository = env("MULTIMASTER_REPOSITORY", process.cwd());
// `npm start` sets it: builds must not run inside a checkout, because the checkout's tools would read their files.
const state = env("MULTIMASTER_STATE", "state");

// Builds what the repository has: a Makefile, or a package.json with a build script; otherwise it lists the files.
const build = `
if [ -f Makefile ]; then make
elif [ -f package.json ]; then npm ci --ignore-scripts --prefer-offline --no-audit --no-fund && npm run build --if-present
else git ls-files
fi`;

export default defineCluster({
  name: "quickstart",
  database: env("DATABASE_URL", `sqlite:${state}/quickstart.sqlite`),

  scheduler: async () => ({
    default: defineScheduling({
      changeSources: [gitPoller({ repository, pollInterval: "5s", buildOnFirstRun: true })],
      schedulers: [
        anyBranch({ name: "every-commit", builders: ["build"] }),
        force({ name: "force", builders: ["build"], label: "Build now" }),
      ],
    }),
  }),

  builders: {
    main: async () => ({
      default: defineBuilders({
        builders: [
          {
            name: "build",
            description: `Builds ${repository}`,
            workers: ["local"],
            steps: [
              git({ repourl: repository }),
              shell({ name: "what", command: ["git", "log", "-1", "--stat"] }),
              shell({ name: "build", command: build }),
            ],
          },
        ],
      }),
    }),
  },

  workers: async () => ({
    default: defineWorkers({ basedir: `${state}/workers`, workers: [{ name: "local", local: true }] }),
  }),

  ui: async () => ({ default: defineUi({ port: envPort("UI_PORT", 8010), title: "Quick start", hooks: [] }) }),
});
