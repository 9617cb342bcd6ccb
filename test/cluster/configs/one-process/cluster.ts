/** One process with all roles, whose steps block their thread or end it. Each does so once. */
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

const directory = env("DIRECTORY", "");
const port = envPort("MONITOR", 0);

const block = defineStep({
  type: "block",
  options: z.object({ seconds: z.number() }),
  async run(_ctx, { seconds }) {
    writeFileSync(`${directory}/blocked`, "");
    const end = performance.now() + seconds * 1000;
    while (performance.now() < end);
    writeFileSync(`${directory}/unblocked`, "");
    return 0;
  },
});

const die = defineStep({
  type: "die",
  options: z.object({}),
  async run(ctx) {
    if (existsSync(`${directory}/died`)) return 0;
    writeFileSync(`${directory}/died`, "");
    setTimeout(() => {
      throw new Error("thrown where no one catches it");
    });
    await ctx.sleep(3_600_000);
    return 0;
  },
});

export default defineCluster({
  name: "one-process",
  database: env("DATABASE_URL", ""),
  lease: "4s",
  monitor: { host: "127.0.0.1", port },
  scheduler: async () => ({
    default: defineScheduling({ schedulers: [force({ name: "force", builders: ["blocks", "dies", "quick"] })] }),
  }),
  builders: {
    all: async () => ({
      default: defineBuilders({
        builders: [
          { name: "blocks", workers: ["w1"], steps: [block({ seconds: Number(env("SECONDS", "8")) })] },
          { name: "dies", workers: ["w1"], steps: [die({})] },
          { name: "quick", workers: ["w1"], steps: [shell({ command: "true" })] },
        ],
      }),
    }),
  },
  workers: async () => ({
    default: defineWorkers({ basedir: `${directory}/workers`, workers: [{ name: "w1", local: true }] }),
  }),
  ui: async () => ({ default: defineUi({ port: envPort("UI_PORT", 0) }) }),
});
