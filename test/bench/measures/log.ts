import { Agent } from "node:http";
import { peakMegabytes } from "../../harness/processes.ts";
import type { Workers } from "../attach-workers.ts";
import type { Figures, Measure } from "../measure.ts";
import { read } from "../read-load.ts";
import type { System } from "../sides/side.ts";
import { waitUntilIdle, withSystem } from "../with-system.ts";

export const log: Measure = {
  name: "log",
  title: "A large log",
  about:
    "One command prints lines of 70 characters as fast as the master takes them; then the log is read as raw text. The second of two such logs counts.",
  rows: [
    {
      name: "log-in",
      title: "one large log, in",
      unit: "MB/s",
      better: "more",
      goal: { text: "≥ 10 ×", times: 10 },
      limit: "insert",
    },
    {
      name: "log-out",
      title: "one large log, raw out",
      unit: "MB/s",
      better: "more",
      goal: { text: "≥ 40 ×", times: 40 },
      limit: "transfer",
    },
    {
      name: "log-memory",
      title: "memory that both took, twice",
      unit: "MB",
      better: "less",
      goal: { text: "≤ 64 MB", at: 64 },
    },
  ],
  async run(side, { size }): Promise<Figures> {
    const megabytes = size.pick(10, 50);
    const scene = { workers: 1, command: `print ${megabytes} MB` };
    return withSystem(side, { scene }, async (system, workers) => {
      const before = peakMegabytes(system.pids[0] ?? 0);
      // A master that has just started compiles its code during the first log.
      await measureLog(system, workers, megabytes);
      const figures = await measureLog(system, workers, megabytes);
      return { ...figures, "log-memory": peakMegabytes(system.pids[0] ?? 0) - before };
    });
  },
};

async function measureLog(system: System, workers: Workers, megabytes: number): Promise<Figures> {
  const begun = workers.nextCommand();
  await system.force(["builder-1"]);
  const { at } = await begun;
  await waitUntilIdle(system);
  const inSeconds = (performance.now() - at) / 1000;
  const [row] = await system.rows<{ id: number }>("select id from logs order by num_lines desc, id desc limit 1");
  const agent = new Agent();
  const begin = performance.now();
  const bytes = await read(new URL(`api/v2/logs/${row?.id}/raw`, system.url), agent);
  const outSeconds = (performance.now() - begin) / 1000;
  agent.destroy();
  if (bytes < megabytes * 1_000_000) throw new Error(`only ${bytes} bytes of the log came back`);
  return { "log-in": megabytes / inSeconds, "log-out": megabytes / outSeconds };
}
