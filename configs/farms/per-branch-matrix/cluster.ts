/** Four branches, eight recipes, ten workers of volunteers. */
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
import giteaStatus from "@multimaster/plugins/reporters/gitea-status";
import mail from "@multimaster/plugins/reporters/mail";
import anyBranch from "@multimaster/plugins/schedulers/any-branch";
import force from "@multimaster/plugins/schedulers/force";
import git from "@multimaster/plugins/steps/git";
import shell from "@multimaster/plugins/steps/shell";

const repourl = env("REPOSITORY", "https://git.example.org/language.git");
/** How long a branch must be quiet before it is built. */
const quiet = { quick: env("QUIET", "30s"), slow: env("LONG_QUIET", "1h") };
const branches = ["main", "3.2", "3.1", "3.0"];

/** Slow recipes wait for an hour of quiet. */
const recipes = [
  { name: "debug", isSlow: false, configure: "--debug" },
  { name: "release", isSlow: false, configure: "--optimize" },
  { name: "clang", isSlow: false, configure: "--cc=clang" },
  { name: "shared", isSlow: false, configure: "--shared" },
  { name: "sanitizer", isSlow: true, configure: "--sanitize" },
  { name: "leaks", isSlow: true, configure: "--track-leaks" },
  { name: "coverage", isSlow: true, configure: "--coverage" },
  { name: "profile", isSlow: true, configure: "--profile" },
];

const workers = Array.from({ length: 10 }, (_, i) => ({
  name: `volunteer-${i + 1}`,
  password: env(`VOLUNTEER_${i + 1}_PASSWORD`),
  owner: `owner-${i + 1}@example.org`,
  missingTimeout: env("MISSING_TIMEOUT", "10m"),
  // The last one is someone's desktop, which sleeps at night.
  ...(i === 9 ? { hours: { zone: "Europe/Berlin", open: ["mon-sun 08:00-22:00"] } } : {}),
}));

const pairs = branches.flatMap((branch) =>
  recipes.map((recipe) => ({ branch, recipe, name: `${recipe.name} ${branch}` })),
);

const onlyDocs = (files: readonly string[]) =>
  files.length > 0 && files.every((file) => /^docs\/|\.(md|rst)$/.test(file));

function follow(branch: string, isSlow: boolean) {
  return anyBranch({
    name: `${isSlow ? "slow" : "quick"} ${branch}`,
    builders: pairs.filter((pair) => pair.branch === branch && pair.recipe.isSlow === isSlow).map(({ name }) => name),
    branches: [branch],
    treeStableTimer: isSlow ? quiet.slow : quiet.quick,
    fileIsImportant: ({ files }) => !onlyDocs(files),
    onlyImportant: true,
  });
}

export default defineCluster({
  name: "language",
  database: env("DATABASE_URL", "sqlite:state/language.sqlite"),
  // What is pushed while all workers are busy is built once.
  collapseRequests: true,
  scheduler: async () => ({
    default: defineScheduling({
      changeSources: [gitPoller({ repository: repourl, branches, pollInterval: env("POLL_INTERVAL", "1m") })],
      schedulers: [
        ...branches.flatMap((branch) => [follow(branch, false), follow(branch, true)]),
        force({ name: "by hand", builders: pairs.map(({ name }) => name) }),
      ],
      reporters: [
        // The owner of a worker gets a mail when it is missing.
        mail({
          name: "owners",
          // A relay on this machine.
          smtp: { host: "127.0.0.1", port: Number(env("SMTP_PORT", "25")), security: "none" },
          from: "Builds <builds@example.org>",
          events: ["worker-missing"],
        }),
        giteaStatus({ name: "forge", url: env("FORGE", "https://git.example.org"), token: env("FORGE_TOKEN", "") }),
      ],
    }),
  }),
  builders: {
    all: async () => ({
      default: defineBuilders({
        builders: pairs.map(({ name, branch, recipe }, i) => ({
          name,
          tags: [branch, recipe.name],
          workers: [0, 1, 2].map((k) => workers[(i + k * 3) % workers.length]?.name ?? ""),
          steps: [
            // A host that cannot be reached is not the code's fault.
            git({ repourl, branch, flunkOnFailure: false, warnOnFailure: true }),
            shell({ name: "configure", command: ["./configure", recipe.configure], haltOnFailure: true }),
            shell({ name: "test", command: ["make", "test"], warningPattern: "warning: " }),
          ],
        })),
      }),
    }),
  },
  workers: async () => ({ default: defineWorkers({ port: envPort("WORKER_PORT", 9989), workers }) }),
  ui: async () => ({ default: defineUi({ host: "127.0.0.1", port: envPort("UI_PORT", 8010), hooks: [] }) }),
});
