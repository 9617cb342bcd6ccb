/**
 * A farm whose builders use locks and whose schedulers go by changes and by the clock. Steps write to the ledger, and, while
 * they have a lock, again and again to a second file, so that a test sees who had it together with whom.
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
  type RenderContext,
} from "@multimaster/config";
import base from "@multimaster/plugins/hooks/base";
import anyBranch from "@multimaster/plugins/schedulers/any-branch";
import force from "@multimaster/plugins/schedulers/force";
import nightly from "@multimaster/plugins/schedulers/nightly";
import periodic from "@multimaster/plugins/schedulers/periodic";
import singleBranch from "@multimaster/plugins/schedulers/single-branch";
import triggerable from "@multimaster/plugins/schedulers/triggerable";
import shell from "@multimaster/plugins/steps/shell";
import trigger from "@multimaster/plugins/steps/trigger";

const workers = env("WORKERS", "w1,w2").split(",");
const ledger = env("LEDGER", "/dev/null");

/** Appends a line for test/harness/ledger.ts. */
const note = (word: string) => (b: RenderContext) =>
  `echo ${word} ${b.property("buildername")} ${b.property("buildnumber")} request=${b.build.buildrequestid} worker=${b.property("workername")} nonce=$$-$(date +%s%N) >> '${ledger}'`;

/** Appends a line for test/harness/lock-ledger.ts, several times, for each of these uses of locks. */
const have =
  (step: string, ...uses: string[]) =>
  (b: RenderContext) => {
    const holder = `${step} of ${b.property("buildername")} ${b.property("buildnumber")}`;
    const board = b.property("lock_board");
    const lines = uses.map((use) => `echo have ${use.replace("BOARD", String(board))} ${holder} >> '${ledger}.locks'`);
    return `for i in 1 2 3 4; do ${lines.join("; ")}; sleep ${env("TICK", "0.15")}; done`;
  };

/** The children of a tree of builds; every second one needs a lock. */
const leaves = Array.from({ length: Number(env("LEAVES", "0")) }, (_, i) => `leaf-${i + 1}`);

const begin = shell({ name: "begin", command: note("begin") });
const end = shell({ name: "end", command: note("end") });
const work = shell({ name: "work", command: "true" });

const db = defineLock({ name: "db" });
const cache = defineLock({ name: "cache", max: 2 });
const net = defineLock({ name: "net" });
const board = defineLock({ name: "board", resources: ["b1", "b2"] });

export default defineCluster({
  name: "farm",
  database: env("DATABASE_URL", ""),
  bus: { router: env("WAMP_ROUTER"), realm: env("WAMP_REALM", "buildbot") },
  lease: env("LEASE", "4s"),
  collapseRequests: env("COLLAPSE") === "yes",
  scheduler: async () => ({
    default: defineScheduling({
      schedulers: [
        anyBranch({ name: "each", builders: ["plain"] }),
        singleBranch({ name: "release", branch: "release", builders: ["plain", "alone", "shared", "mixed"] }),
        periodic({ name: "often", every: "3s", builders: ["shared"] }),
        nightly({ name: "minute", minute: "*", runAtStart: true, builders: ["alone", "free"] }),
        force({ name: "force", builders: ["plain", "free", "alone", "shared", "mixed", "tree"] }),
        triggerable({ name: "leaves", builders: leaves }),
      ],
    }),
  }),
  builders: {
    all: async () => ({
      default: defineBuilders({
        builders: [
          { name: "plain", workers, steps: [begin, work, end], maxEngineDeaths: null, maxWorkerLosses: null },
          { name: "free", workers, steps: [begin, work, end], maxEngineDeaths: null, maxWorkerLosses: null },
          {
            name: "tree",
            workers,
            steps: [begin, trigger({ name: "leaves", schedulerNames: ["leaves"], waitForFinish: true }), end],
          },
          ...leaves.map((name, i) => ({
            name,
            workers,
            locks: i % 2 ? [net.exclusive()] : [],
            steps: [begin, end],
          })),
          {
            name: "alone",
            workers,
            locks: [db.exclusive(), cache.counting()],
            steps: [begin, shell({ name: "work", command: have("work", "db:1/1", "cache:1/2") }), end],
            maxEngineDeaths: null,
            maxWorkerLosses: null,
          },
          {
            name: "shared",
            workers,
            ...(env("COLLAPSE") === "one" && { collapseRequests: true }),
            locks: [board.counting()],
            steps: [
              begin,
              shell({
                name: "work",
                command: have("work", "board:1/2", "board-BOARD:1/1", "cache:1/2"),
                locks: [cache.counting()],
              }),
              end,
            ],
            maxEngineDeaths: null,
            maxWorkerLosses: null,
          },
          {
            name: "mixed",
            workers,
            steps: [
              begin,
              shell({
                name: "write",
                command: have("write", "cache:2/2", "net:1/1"),
                locks: [net.exclusive(), cache.exclusive()],
              }),
              shell({ name: "work", command: have("work", "net:1/1"), locks: [net.exclusive()] }),
              end,
            ],
            maxEngineDeaths: null,
            maxWorkerLosses: null,
          },
        ],
      }),
    }),
  },
  workers: async () => ({
    default: defineWorkers({
      host: "127.0.0.1",
      port: envPort("WORKER_PORT", 0),
      quarantineAfter: null,
      workers: workers.map((name) => ({
        name,
        password: env("WORKER_PASSWORD"),
        maxBuilds: Number(env("MAX_BUILDS", "2")),
      })),
    }),
  }),
  ui: async () => ({ default: defineUi({ port: envPort("UI_PORT", 0), hooks: [base({ anybody: true })] }) }),
});
