/** A library: pull requests of strangers, and a matrix and steps that the repository lists. */
import {
  defineBuilders,
  defineCluster,
  defineScheduling,
  defineUi,
  defineWorkers,
  env,
  envPort,
} from "@multimaster/config";
import { z } from "@multimaster/plugins";
import github from "@multimaster/plugins/hooks/github";
import gitHubStatus from "@multimaster/plugins/reporters/github-status";
import anyBranch from "@multimaster/plugins/schedulers/any-branch";
import cancelSuperseded from "@multimaster/plugins/schedulers/cancel-superseded";
import triggerable from "@multimaster/plugins/schedulers/triggerable";
import addSteps from "@multimaster/plugins/steps/add-steps";
import fromRepository from "@multimaster/plugins/steps/from-repository";
import git from "@multimaster/plugins/steps/git";
import junit from "@multimaster/plugins/steps/junit";
import shell from "@multimaster/plugins/steps/shell";
import trigger from "@multimaster/plugins/steps/trigger";

const repourl = env("REPOSITORY", "https://github.example.org/team/library.git");
/** Own machines come first, rented ones only if those are busy. */
const own = ["own-1", "own-2"];
const rented = ["rented-1", "rented-2"];
const workers = [...own, ...rented];
/** The versions that the repository may ask for. */
const matrix = z.array(z.enum(["20", "22", "24", "26"])).min(1);
const builders = ["library", "version"];

export default defineCluster({
  name: "library",
  url: env("URL", "http://localhost:8010/"),
  database: env("DATABASE_URL", "sqlite:state/library.sqlite"),
  scheduler: async () => ({
    default: defineScheduling({
      schedulers: [
        anyBranch({ name: "all", builders: ["library"] }),
        triggerable({ name: "versions", builders: ["version"] }),
        cancelSuperseded({ name: "superseded", builders }),
      ],
      reporters: [
        gitHubStatus({
          name: "statuses",
          apiUrl: env("GITHUB_API", "https://api.github.com"),
          token: env("GITHUB_TOKEN", ""),
          builders: ["version"],
          context: ({ properties }) => `ci/version ${properties["version"]}`,
        }),
      ],
    }),
  }),
  builders: {
    all: async () => ({
      default: defineBuilders({
        secrets: { coverage: env("COVERAGE_TOKEN") },
        builders: [
          {
            name: "library",
            workers,
            // One approval is for the whole matrix.
            approval: { untrusted: true, expires: "14d" },
            steps: [
              git({ repourl }),
              addSteps({
                file: "ci/matrix.json",
                steps: (_build, value) => {
                  const items = matrix.parse(value).map((version) => ({ name: version, properties: { version } }));
                  return [trigger({ name: "versions", schedulerNames: ["versions"], items })];
                },
              }),
            ],
          },
          {
            name: "version",
            workers,
            nextWorker: (free) => (free.find(({ name }) => own.includes(name)) ?? free[0])?.name,
            steps: [
              git({ repourl }),
              fromRepository({
                file: "ci/steps.yaml",
                steps: [shell, junit],
                secrets: ["coverage"],
                properties: ["branch", "got_revision", "version"],
                trustForks: "base",
                repourl,
              }),
            ],
          },
        ],
      }),
    }),
  },
  workers: async () => ({
    default: defineWorkers({
      port: envPort("WORKER_PORT", 9989),
      workers: workers.map((name) => ({
        name,
        maxBuilds: 2,
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
