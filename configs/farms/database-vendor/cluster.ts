/**
 * A database: a builder set for each team, hosts that bear few builds, and what follows a build depends on it. Each team runs an
 * engine for its own set:
 *
 *   master start --config configs/farms/database-vendor/cluster.ts --role builder-engine --builders engines
 */
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
import gitPoller from "@multimaster/plugins/change-sources/git-poller";
import singleBranch from "@multimaster/plugins/schedulers/single-branch";
import triggerable from "@multimaster/plugins/schedulers/triggerable";
import git from "@multimaster/plugins/steps/git";
import junit from "@multimaster/plugins/steps/junit";
import shell from "@multimaster/plugins/steps/shell";
import trigger from "@multimaster/plugins/steps/trigger";

const repourl = env("REPOSITORY", "https://git.example.org/database.git");
/** How many builds of all teams a host bears at the same time. */
const hosts = { "host-1": 3, "host-2": 2 };
const load = (host: keyof typeof hosts) => defineLock({ name: `load of ${host}`, max: hosts[host] }).counting();

const systems = ["debian", "fedora"];
const engines = ["columns", "rows"];

const test = (suite: string) => [
  shell({ name: suite, command: ["./run-tests", suite, "report.xml"], flunkOnFailure: false, warnOnFailure: true }),
  junit({ files: "report.xml" }),
];

export default defineCluster({
  name: "database",
  // All teams' engines share it: PostgreSQL for several masters.
  database: env("DATABASE_URL", "sqlite:state/database.sqlite"),
  lease: env("LEASE", "15s"),
  scheduler: async () => ({
    default: defineScheduling({
      changeSources: [gitPoller({ repository: repourl, branches: ["main"], pollInterval: env("POLL_INTERVAL", "1m") })],
      schedulers: [
        singleBranch({ name: "main", branch: "main", builders: systems.map((system) => `server ${system}`) }),
        triggerable({
          name: "engines",
          // A server of a system is tested by the engines on that system.
          builders: ({ trigger }) =>
            engines.map((engine) => `${engine} ${trigger?.builder.replace("server ", "") ?? "debian"}`),
        }),
      ],
    }),
  }),
  builders: {
    server: async () => ({
      default: defineBuilders({
        builders: systems.map((system) => ({
          name: `server ${system}`,
          workers: [`${system}-1`],
          locks: [load("host-1")],
          steps: [
            git({ repourl }),
            shell({ name: "build", command: ["./build", system], haltOnFailure: true }),
            ...test("server"),
            trigger({ schedulerNames: ["engines"], waitForFinish: true }),
          ],
        })),
      }),
    }),
    engines: async () => ({
      default: defineBuilders({
        builders: systems.flatMap((system) =>
          engines.map((engine) => ({
            name: `${engine} ${system}`,
            workers: [`${system}-2`],
            locks: [load("host-2")],
            steps: [git({ repourl }), ...test(engine)],
          })),
        ),
      }),
    }),
  },
  workers: async () => ({
    default: defineWorkers({
      port: envPort("WORKER_PORT", 9989),
      workers: systems.flatMap((system) =>
        [1, 2].map((i) => ({
          name: `${system}-${i}`,
          maxBuilds: 2,
          password: env(`${system.toUpperCase()}_${i}_PASSWORD`),
        })),
      ),
    }),
  }),
  ui: async () => ({ default: defineUi({ host: "127.0.0.1", port: envPort("UI_PORT", 8010), hooks: [] }) }),
});
