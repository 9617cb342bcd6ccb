import { setTimeout as sleep } from "node:timers/promises";
import { percentile } from "../../harness/figures.ts";
import type { Workers } from "../attach-workers.ts";
import type { Figures, Measure, Row } from "../measure.ts";
import type { System } from "../sides/side.ts";
import { traceHops } from "../trace/trace-hops.ts";
import { waitUntilIdle, withSystem } from "../with-system.ts";
import { warmUp } from "./noop.ts";

const row = (name: string, title: string, rest: Partial<Row> = {}): Row => ({
  name,
  title,
  unit: "ms",
  better: "less",
  limit: "commit",
  goal: { text: "≤ 1/20", times: 20 },
  ...rest,
});

export const latency: Measure = {
  name: "latency",
  title: "Latency",
  about:
    "From the sending of a change hook, or of a forced build, until its first command begins at a worker, while nothing else runs, after 15 s of builds. For this project each hop is shown as well.",
  rows: [
    row("hook-p50", "change hook → first command, p50"),
    row("hook-p99", "change hook → first command, p99"),
    row("force-p50", "force → first command, p50"),
    row("force-p99", "force → first command, p99"),
  ],
  async run(side, { size, note }): Promise<Figures> {
    const samples = size.pick(20, 200);
    const figures = await withSystem(side, {}, async (system, workers) => {
      await warmUp(side, system, size.pick(2_000, 15_000));
      const hook = await measureTimes(system, workers, samples, () => system.sendChange());
      const force = await measureTimes(system, workers, samples, () => system.force(["builder-1"]));
      return {
        "hook-p50": percentile(hook, 0.5),
        "hook-p99": percentile(hook, 0.99),
        "force-p50": percentile(force, 0.5),
        "force-p99": percentile(force, 0.99),
      };
    });
    if (side.name === "multimaster") note(await traceHops(side, size.pick(5, 50)));
    return figures;
  },
};

/** Milliseconds from each act until its command begins, one after the other. */
export async function measureTimes(
  system: System,
  workers: Workers,
  samples: number,
  act: () => Promise<void>,
): Promise<number[]> {
  const times: number[] = [];
  for (let sample = 0; sample < samples; sample++) {
    await waitUntilIdle(system);
    await sleep(20 + 80 * Math.random());
    const begun = workers.nextCommand();
    const begin = performance.now();
    await act();
    times.push((await begun).at - begin);
  }
  await waitUntilIdle(system);
  return times;
}
