/** A cluster that builds a matrix of so many items. */
import {
  defineBuilders,
  defineCluster,
  defineScheduling,
  defineUi,
  defineWorkers,
  env,
  envPort,
  type RenderContext,
} from "@multimaster/config";
import base from "@multimaster/plugins/hooks/base";
import force from "@multimaster/plugins/schedulers/force";
import triggerable from "@multimaster/plugins/schedulers/triggerable";
import shell from "@multimaster/plugins/steps/shell";
import trigger from "@multimaster/plugins/steps/trigger";

const count = Number(env("ITEMS", "40"));
const workers = env("WORKERS", "w1,w2").split(",");

/** Appends a line for test/harness/ledger.ts. */
const note = (word: string, b: RenderContext) =>
  `echo ${word} item ${b.property("buildnumber")} request=${b.build.buildrequestid} worker=${b.property("workername")} nonce=$$-$(date +%s%N) >> '${env("LEDGER", "/dev/null")}'`;

export default defineCluster({
  name: "matrix",
  database: env("DATABASE_URL", ""),
  bus: { router: env("WAMP_ROUTER"), realm: env("WAMP_REALM", "buildbot") },
  lease: env("LEASE", "4s"),
  scheduler: async () => ({
    default: defineScheduling({
      schedulers: [force({ name: "force", builders: ["matrix"] }), triggerable({ name: "items", builders: ["item"] })],
    }),
  }),
  builders: {
    all: async () => ({
      default: defineBuilders({
        builders: [
          {
            name: "matrix",
            workers,
            steps: [
              trigger({
                schedulerNames: ["items"],
                maxInFlight: 50,
                items: Array.from({ length: count }, (_, i) => ({
                  name: `item ${i + 1}`,
                  properties: { item: i + 1 },
                  // The first item fails and the last one comes after it.
                  after: i + 1 === count ? ["item 1"] : [],
                })),
              }),
            ],
          },
          {
            name: "item",
            workers,
            steps: [
              shell({
                name: "work",
                command: (b) =>
                  `${note("begin", b)}; ${note("end", b)}; if [ ${b.property("item")} = 1 ]; then echo 'error: the first one'; exit 1; fi`,
              }),
            ],
          },
        ],
      }),
    }),
  },
  workers: async () => ({
    default: defineWorkers({
      host: "127.0.0.1",
      port: envPort("WORKER_PORT", 0),
      workers: workers.map((name) => ({ name, password: env("WORKER_PASSWORD"), maxBuilds: 8 })),
    }),
  }),
  ui: async () => ({ default: defineUi({ port: envPort("UI_PORT", 0), hooks: [base({ anybody: true })] }) }),
});
