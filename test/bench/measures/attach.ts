import { setTimeout as sleep } from "node:timers/promises";
import { residentMegabytes } from "../../harness/processes.ts";
import type { Figures, Measure } from "../measure.ts";
import { withSystem } from "../with-system.ts";
import { runBuilds } from "./noop.ts";

export const attach: Measure = {
  name: "attach",
  title: "Many workers",
  about: "1,000 workers (quick: 100) connect, 8 at a time; then the master's memory, fresh and after builds.",
  rows: [
    {
      name: "attach",
      title: "1,000 workers attach (quick: 100)",
      unit: "s",
      better: "less",
      goal: { text: "≤ 1/10", times: 10 },
    },
    {
      name: "memory-fresh",
      title: "memory of the master then",
      unit: "MB",
      better: "less",
      goal: { text: "≤ 1.2 × Buildbot's", times: 1 / 1.2 },
      limit: "memory",
    },
    {
      name: "memory-used",
      title: "memory after 2,000 builds (quick: 100)",
      unit: "MB",
      better: "less",
      goal: { text: "≤ 1.2 × Buildbot's", times: 1 / 1.2 },
      limit: "memory",
    },
  ],
  async run(side, { size }): Promise<Figures> {
    const workers = size.pick(100, 1000);
    return withSystem(side, { scene: { workers } }, async (system, { attachMs }) => {
      await sleep(2000);
      const [pid = 0] = system.pids;
      const fresh = residentMegabytes(pid);
      await runBuilds(side, system, size.pick(100, 2000));
      await sleep(2000);
      return { attach: attachMs / 1000, "memory-fresh": fresh, "memory-used": residentMegabytes(pid) };
    });
  },
};
