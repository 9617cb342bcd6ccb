/** A cluster whose steps write to a ledger outside of it, so that a test sees what really ran. */
import {
  defineBuilders,
  defineCluster,
  defineScheduling,
  defineUi,
  defineWorkers,
  env,
  envPort,
  type ProbedWorker,
  type RenderContext,
} from "@multimaster/config";
import gitPoller from "@multimaster/plugins/change-sources/git-poller";
import base from "@multimaster/plugins/hooks/base";
import anyBranch from "@multimaster/plugins/schedulers/any-branch";
import force from "@multimaster/plugins/schedulers/force";
import triggerable from "@multimaster/plugins/schedulers/triggerable";
import shell from "@multimaster/plugins/steps/shell";
import trigger from "@multimaster/plugins/steps/trigger";

const workers = env("WORKERS", "w1,w2,w3,w4").split(",");
/** Appends a line for test/harness/ledger.ts. */
const note = (word: string) => (b: RenderContext) =>
  `echo ${word} ${b.property("buildername")} ${b.property("buildnumber")} request=${b.build.buildrequestid} worker=${b.property("workername")} nonce=$$-$(date +%s%N) >> '${env("LEDGER", "/dev/null")}'`;

const wanted = env("WORK", "true");
const begin = shell({ name: "begin", command: note("begin") });
const end = shell({ name: "end", command: note("end") });
const work = wanted === "wait for the gate" ? `until [ -e '${env("GATE", "")}' ]; do sleep 0.2; done` : wanted;

/** Asks the worker whether a file is there. */
async function isReady(_request: unknown, worker: ProbedWorker) {
  const { code } = await worker.probe(["test", "-e", env("READY", "")]);
  return code === 0 || { refused: "the board is not ready", askAgainIn: "1s" };
}
function forever(): boolean {
  for (;;);
}

export default defineCluster({
  name: "ledger",
  database: env("DATABASE_URL", ""),
  databaseConnections: Number(env("DATABASE_CONNECTIONS", "10")),
  bus: {
    router: env("WAMP_ROUTER"),
    realm: env("WAMP_REALM", "buildbot"),
    authid: env("WAMP_AUTHID"),
    ticket: env("WAMP_TICKET"),
    privateKey: env("WAMP_PRIVATE_KEY"),
    mute: env("BUS") === "mute",
    ...(env("BUS") === "notify" && { notify: true }),
    ...(env("BUS") === "router alone" && { notify: false }),
  },
  ...(env("MONITOR", "") !== "" && { monitor: { port: Number(env("MONITOR", "")) } }),
  lease: env("LEASE", "4s"),
  // The previous release, which reads this config too, does not know it.
  ...(env("COLLAPSE") !== undefined && { collapseRequests: true }),
  scheduler: async () => ({
    default: defineScheduling({
      changeSources:
        env("POLL") === "no"
          ? []
          : [
              gitPoller({
                repository: env("REPOSITORY", "."),
                branches: true,
                pollInterval: env("POLL_INTERVAL", "1s"),
              }),
            ],
      schedulers: [
        anyBranch({ name: "all", builders: ["job"] }),
        anyBranch({ name: "also", builders: ["other"] }),
        force({ name: "force", builders: ["job", "other", "parent"] }),
        triggerable({ name: "children", builders: ["child"] }),
      ],
    }),
  }),
  builders: {
    all: async () => ({
      default: defineBuilders({
        builders: ["job", "other", "child"].map((name) => ({
          name,
          workers,
          ...(env("ENGINE_DEATHS") === "any" && { maxEngineDeaths: null }),
          // Written out: the previous release, which reads this config too, has no function for it.
          ...(env("LOCK") !== undefined && {
            locks: [{ lock: { name: env("LOCK", "") }, mode: "exclusive" as const }],
          }),
          ...(env("READY") !== undefined && name !== "child" && { canStart: name === "job" ? isReady : forever }),
          steps: [begin, shell({ name: "work", command: work }), end],
        })),
      }),
    }),
    // A worker has two places and takes one parent at a time, so a waiting parent never keeps its child from running.
    parents: async () => ({
      default: defineBuilders({
        builders: [
          {
            name: "parent",
            workers,
            steps: [begin, trigger({ name: "children", schedulerNames: ["children"], waitForFinish: true }), end],
          },
        ],
      }),
    }),
  },
  workers: async () => ({
    default: defineWorkers({
      host: "127.0.0.1",
      port: envPort("WORKER_PORT", 0),
      keepAlive: env("KEEP_ALIVE", "20s"),
      rebalance: env("REBALANCE", "10s") === "never" ? false : env("REBALANCE", "10s"),
      workers: workers.map((name) => ({ name, password: env("WORKER_PASSWORD"), maxBuilds: 2 })),
    }),
  }),
  ui: async () => ({ default: defineUi({ port: envPort("UI_PORT", 0), hooks: [base({ anybody: true })] }) }),
});
