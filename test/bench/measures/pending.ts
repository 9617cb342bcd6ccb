import { waitFor } from "../../harness/wait-for.ts";
import { attachWorkers } from "../attach-workers.ts";
import { insertRequests } from "../fill-database.ts";
import type { Figures, Measure } from "../measure.ts";
import type { System } from "../sides/side.ts";

export const pending: Measure = {
  name: "pending",
  title: "Start with a long queue",
  about:
    "A master starts on a database where 25,000 requests of 300 builders wait (quick: 2,500 of 100), with 20 workers that connect as soon as it listens; until its first claim.",
  rows: [
    {
      name: "pending",
      title: "start with 25,000 pending requests (quick: 2,500) until the first claim",
      unit: "s",
      better: "less",
      goal: { text: "≤ 5 s", at: 5 },
    },
  ],
  async run(side, { size }): Promise<Figures> {
    const scene = { builders: size.pick(100, 300) };
    const database = await side.newDatabase();
    const first = await side.start({ scene, database, timeoutMs: 300_000 });
    await first.stop();
    await insertRequests(side.postgres, database, size.pick(2500, 25_000), "builder-%");
    await side.postgres.psql("analyze", database);
    const begin = performance.now();
    const again = await side.start({ scene, database, timeoutMs: 600_000 });
    try {
      const claimed = untilClaimed(again).then(() => (performance.now() - begin) / 1000);
      const [workers, seconds] = await Promise.all([attachWorkers(again), claimed]);
      await workers.stop();
      return { pending: seconds };
    } finally {
      await again.stop();
    }
  },
};

async function untilClaimed(system: System): Promise<void> {
  await waitFor(async () => (await system.rows("select 1 from buildrequest_claims limit 1")).length > 0, {
    what: "the first claim",
    timeoutMs: 600_000,
    intervalMs: 10,
  });
}
