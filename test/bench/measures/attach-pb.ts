import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { residentMegabytes } from "../../harness/processes.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { attachWorkers } from "../attach-workers.ts";
import type { Figures, Measure, Row } from "../measure.ts";
import type { Side } from "../sides/side.ts";

const preload = fileURLToPath(new URL("../trace/stalls-preload.mjs", import.meta.url));
const alone = "Buildbot's own protocol between the same simulated workers is measured by `attach`, with MessagePack";
const row = (name: string, title: string, unit: Row["unit"]): Row => ({ name, title, unit, better: "less", alone });

export const attachPb: Measure = {
  name: "attach-pb",
  title: "Many workers with pb",
  about:
    "1,000 workers with pb (quick: 100) connect to one engine: 8 at a time, and all within a moment, as after the death of another engine.",
  rows: [
    row("pb-attach", "1,000 workers attach, 8 at a time (quick: 100)", "s"),
    row("pb-stall", "longest stall of the engine's loop meanwhile", "ms"),
    row("pb-memory", "memory of the master then", "MB"),
    row("pb-storm", "1,000 workers attach, all at once (quick: 100)", "s"),
    row("pb-storm-stall", "longest stall of the engine's loop meanwhile", "ms"),
    row("pb-storm-memory", "memory of the master then", "MB"),
  ],
  sides: ["multimaster"],
  async run(side, { size }): Promise<Figures> {
    const workers = size.pick(100, 1000);
    const few = await attachAll(side, workers, 8);
    const storm = await attachAll(side, workers, workers);
    return {
      "pb-attach": few.seconds,
      "pb-stall": few.stall,
      "pb-memory": few.memory,
      "pb-storm": storm.seconds,
      "pb-storm-stall": storm.stall,
      "pb-storm-memory": storm.memory,
    };
  },
};

async function attachAll(
  side: Side,
  workers: number,
  atATime: number,
): Promise<{ seconds: number; stall: number; memory: number }> {
  const directory = temporaryDirectory("stalls");
  const system = await side.start({
    scene: { workers },
    env: { BENCH_STALLS: directory },
    nodeArgs: ["--import", preload],
  });
  try {
    // What the start itself takes belongs to another measure.
    await sleep(1000);
    const begun = Date.now();
    const attached = await attachWorkers(system, { protocol: "pb", atATime });
    try {
      await sleep(2000);
      const [pid = 0] = system.pids;
      const stalls = readdirSync(directory)
        .filter((name) => name.startsWith(`${pid}-`))
        .flatMap((name) => readFileSync(join(directory, name), "utf8").trim().split("\n"))
        .map((line) => line.split(" ").map(Number) as [number, number])
        .flatMap(([at, stall]) => (at > begun ? [stall] : []));
      return { seconds: attached.attachMs / 1000, stall: Math.max(...stalls), memory: residentMegabytes(pid) };
    } finally {
      await attached.stop();
    }
  } finally {
    await system.stop();
  }
}
