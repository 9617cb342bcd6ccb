/** A library: pull requests of strangers, and steps that the repository lists. */
import {
  defineBuilders,
  defineCluster,
  defineScheduling,
  defineUi,
  defineWorkers,
  env,
  envPort,
} from "@multimaster/config";
import github from "@multimaster/plugins/hooks/github";
import anyBranch from "@multimaster/plugins/schedulers/any-branch";
import cancelSuperseded from "@multimaster/plugins/schedulers/cancel-superseded";
import fromRepository from "@multimaster/plugins/steps/from-repository";
import git from "@multimaster/plugins/steps/git";
import junit from "@multimaster/plugins/steps/junit";
import shell from "@multimaster/plugins/steps/shell";

const repourl = env("REPOSITORY", "https://github.example.org/team/library.git");
/** Own machines come first, rented ones only if those are busy. */
const own = ["own-1", "own-2"];
const rented = ["rented-1", "rented-2"];
const versions = ["20", "22", "24"];
const builders = versions.map((version) => `version ${version}`);

export default defineCluster({
  name: "library",
  database: env("DATABASE_URL", "sqlite:state/library.sqlite"),
  scheduler: async () => ({
    default: defineScheduling({
      schedulers: [anyBranch({ name: "all", builders }), cancelSuperseded({ name: "superseded", builders })],
    }),
  }),
  builders: {
    all: async () => ({
      default: defineBuilders({
        secrets: { coverage: env("COVERAGE_TOKEN") },
        builders: versions.map((version) => ({
          name: `version ${version}`,
          workers: [...own, ...rented],
          env: { VERSION: version },
          approval: { untrusted: true, expires: "14d" },
          nextWorker: (free) => (free.find(({ name }) => own.includes(name)) ?? free[0])?.name,
          steps: [
            git({ repourl }),
            fromRepository({
              file: "ci/steps.yaml",
              steps: [shell, junit],
              secrets: ["coverage"],
              properties: ["branch", "got_revision"],
              trustForks: "base",
              repourl,
            }),
          ],
        })),
      }),
    }),
  },
  workers: async () => ({
    default: defineWorkers({
      workers: [...own, ...rented].map((name) => ({
        name,
        password: env(`${name.toUpperCase().replace("-", "_")}_PASSWORD`),
      })),
    }),
  }),
  ui: async () => ({
    default: defineUi({
      host: "127.0.0.1",
      port: envPort("UI_PORT", 8010),
      hooks: [github({ secret: env("GITHUB_SECRET"), forks: true })],
    }),
  }),
});
