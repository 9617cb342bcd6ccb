/** The scene of a measure as a config of this project; ../buildbot/master.cfg is the same for Buildbot. */
import {
  defineBuilders,
  defineCluster,
  defineLock,
  defineScheduling,
  defineUi,
  defineWorkers,
  env,
} from "@multimaster/config";
import { defineStep } from "@multimaster/plugins";
import base from "@multimaster/plugins/hooks/base";
import anyBranch from "@multimaster/plugins/schedulers/any-branch";
import force from "@multimaster/plugins/schedulers/force";
import shell from "@multimaster/plugins/steps/shell";
import { z } from "zod";

const scene = z
  .object({
    builders: z.number(),
    locked: z.number().default(0),
    workers: z.number(),
    maxBuilds: z.number(),
    command: z.string(),
    blockSeconds: z.number(),
  })
  .parse(JSON.parse(env("BENCH_SCENE", "{}")));

const numbered = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name}-${i + 1}`);
const builders = numbered("builder", scene.builders);
const locked = numbered("locked", scene.locked);
const workers = numbered("worker", scene.workers);

/** Computes for so many seconds without waiting for anything. */
const block = defineStep({
  type: "block",
  options: z.strictObject({ seconds: z.number() }),
  async run(_context, { seconds }) {
    const end = performance.now() + seconds * 1000;
    while (performance.now() < end);
    return 0;
  },
});

export default defineCluster({
  name: "bench",
  database: env("BENCH_DATABASE", ""),
  bus: { router: env("WAMP_ROUTER") || undefined, ...(env("BENCH_NOTIFY") === "1" && { notify: true }) },
  lease: env("BENCH_LEASE", "15s"),
  scheduler: async () => ({
    default: defineScheduling({
      schedulers: [
        force({ name: "force", builders: [...builders, ...locked, "blocking", "waiting"] }),
        anyBranch({ name: "changes", builders: builders.slice(0, 1) }),
      ],
    }),
  }),
  builders: {
    all: async () => ({
      default: defineBuilders({
        builders: [
          ...builders.map((name) => ({ name, workers, steps: [shell({ command: scene.command })] })),
          ...locked.map((name, i) => {
            const uses = [defineLock({ name: `lock-${Math.floor(i / 10)}` }).exclusive()];
            return { name, workers, locks: i % 2 ? () => uses : uses, steps: [shell({ command: scene.command })] };
          }),
          { name: "blocking", workers, steps: [block({ seconds: scene.blockSeconds })] },
          { name: "waiting", workers: ["absent"], steps: [shell({ command: "true" })] },
        ],
      }),
    }),
  },
  workers: async () => ({
    default: defineWorkers({
      host: "127.0.0.1",
      port: 0,
      rebalance: false,
      workers: [...workers, "absent"].map((name) => ({
        name,
        password: env("WORKER_PASSWORD"),
        maxBuilds: scene.maxBuilds,
      })),
    }),
  }),
  ui: async () => ({ default: defineUi({ port: 0, hooks: [base({ anybody: true })] }) }),
});
