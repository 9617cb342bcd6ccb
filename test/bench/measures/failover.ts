import { attachWorkers } from "../attach-workers.ts";
import type { Figures, Measure } from "../measure.ts";

export const failover: Measure = {
  name: "failover",
  title: "An engine is killed",
  about:
    "Two engines, scheduler, ui and router; SIGKILL to the engine that runs a build, until the build's command begins at a worker of the other one. The lease is 15 s (quick: 4 s).",
  sides: ["multimaster"],
  rows: [
    {
      name: "failover",
      title: "engine killed → its build runs elsewhere, in leases",
      unit: "×",
      better: "less",
      goal: { text: "≤ 2 × lease", at: 2 },
      alone: "builds of a dead Buildbot master end as RETRY and are not run again",
    },
  ],
  async run(side, { size }): Promise<Figures> {
    const lease = size.pick(4, 15);
    const scene = { workers: 4, command: "sleep 600" };
    const system = await side.start({ form: "cluster", scene, env: { BENCH_LEASE: `${lease}s` } });
    try {
      const workers = await attachWorkers(system);
      const first = workers.nextCommand();
      await system.force(["builder-1"]);
      const { worker } = await first;
      // Workers alternate between the engines.
      const [odd = 0, even = 0] = system.pids;
      const again = workers.nextCommand();
      const begin = performance.now();
      await system.kill(Number(worker.split("-")[1]) % 2 === 1 ? odd : even);
      const seconds = ((await again).at - begin) / 1000;
      await workers.stop();
      return { failover: seconds / lease };
    } finally {
      await system.stop();
    }
  },
};
