/** A cluster with a builder whose step blocks the event loop of its engine, once. */
import { existsSync, writeFileSync } from "node:fs";
import {
  defineBuilders,
  defineCluster,
  defineScheduling,
  defineUi,
  defineWorkers,
  env,
  envPort,
} from "@multimaster/config";
import { defineStep } from "@multimaster/plugins";
import force from "@multimaster/plugins/schedulers/force";
import shell from "@multimaster/plugins/steps/shell";
import { z } from "zod";

const block = defineStep({
  type: "block",
  options: z.object({ seconds: z.number(), marker: z.string() }),
  async run(_ctx, { seconds, marker }) {
    if (existsSync(marker)) return 0;
    writeFileSync(marker, "");
    const end = performance.now() + seconds * 1000;
    while (performance.now() < end);
    return 0;
  },
});

const seconds = Number(env("BLOCK_SECONDS", "9"));
const marker = env("MARKER", "/nowhere/marker");

export default defineCluster({
  name: "blocking",
  database: env("DATABASE_URL", ""),
  bus: { router: env("WAMP_ROUTER"), realm: env("WAMP_REALM", "buildbot") },
  lease: env("LEASE", "4s"),
  scheduler: async () => ({
    default: defineScheduling({ schedulers: [force({ name: "force", builders: ["blocks", "quick"] })] }),
  }),
  builders: {
    blocks: async () => ({
      default: defineBuilders({
        builders: [
          {
            name: "blocks",
            workers: ["w1"],
            steps: [shell({ command: "true" }), block({ name: "parse", seconds, marker })],
          },
        ],
      }),
    }),
    quick: async () => ({
      default: defineBuilders({ builders: [{ name: "quick", workers: ["w2"], steps: [shell({ command: "true" })] }] }),
    }),
  },
  workers: async () => ({
    default: defineWorkers({
      host: "127.0.0.1",
      port: envPort("WORKER_PORT", 0),
      workers: ["w1", "w2"].map((name) => ({ name, password: env("WORKER_PASSWORD") })),
    }),
  }),
  ui: async () => ({ default: defineUi({ port: envPort("UI_PORT", 0) }) }),
});
