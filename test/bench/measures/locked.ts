import { silentLog } from "@multimaster/core";
import { openDatabase } from "@multimaster/database";
import { percentile } from "../../harness/figures.ts";
import { join } from "../../harness/members.ts";
import { updatesOf } from "../../harness/updates-of.ts";
import { waitFor } from "../../harness/wait-for.ts";
import { attachWorkers } from "../attach-workers.ts";
import { insertRequests } from "../fill-database.ts";
import type { Figures, Measure, Size } from "../measure.ts";
import type { Side, System } from "../sides/side.ts";
import { measureTimes } from "./latency.ts";

const sceneOf = ({ pick }: Size) => ({ builders: pick(50, 150), locked: pick(50, 150) });

const alone = "its locks are of one process";

export const locked: Measure = {
  name: "locked",
  title: "Start with a long queue, half of it with locks",
  about:
    "A master starts on a database where 25,000 requests of 300 builders wait (quick: 2,500 of 100); half of the builders use a lock that a build of another engine has; until its first claim.",
  sides: ["multimaster"],
  rows: [
    {
      name: "locked",
      title: "start with 25,000 pending requests (quick: 2,500), half with locks, until the first claim",
      unit: "s",
      better: "less",
      goal: { text: "≤ 5 s", at: 5 },
      alone,
    },
  ],
  async run(side, { size }): Promise<Figures> {
    let seconds = 0;
    await withHeldLocks(side, size, size.pick(2500, 25_000), "%-%", async (start) => {
      const begin = performance.now();
      const system = await start();
      const claimed = waitFor(async () => (await system.rows("select 1 from buildrequest_claims limit 2")).length > 1, {
        what: "the first claim",
        timeoutMs: 600_000,
        intervalMs: 10,
      }).then(() => (performance.now() - begin) / 1000);
      const [workers, until] = await Promise.all([attachWorkers(system), claimed]);
      seconds = until;
      await workers.stop();
    });
    return { locked: seconds };
  },
};

export const byLocked: Measure = {
  name: "by-locked",
  title: "Growth with requests that wait for locks",
  about:
    "The latency of a forced build while 100 to 25,000 requests wait for locks that a build of another engine has; each of the first 200 must say so.",
  along: "pending requests",
  sides: ["multimaster"],
  quick: false,
  rows: [
    {
      name: "by-locked-force",
      title: "force → first command, p50, by requests that wait for locks",
      unit: "ms",
      better: "less",
      alone,
    },
  ],
  async run(side, { size, note }): Promise<Figures> {
    const figures: Figures = {};
    for (const count of size.pick([100, 1000], [100, 1000, 10_000, 25_000]))
      await withHeldLocks(side, size, count, "locked-%", async (start) => {
        const system = await start();
        const workers = await attachWorkers(system);
        await waitFor(async () => (await system.rows("select 1 from mm_lock_waits limit 1")).length > 0, {
          what: "requests that wait for locks",
          timeoutMs: 600_000,
        });
        const times = await measureTimes(system, workers, size.pick(5, 20), () => system.force(["builder-1"]));
        figures[`by-locked-force@${count}`] = percentile(times, 0.5);
        note(`${count} pending: ${await describeReasons(system)}`);
        await workers.stop();
      });
    return figures;
  },
};

/** A database where a live engine has every lock, and requests of these builders wait. */
async function withHeldLocks(
  side: Side,
  size: Size,
  count: number,
  builders: string,
  act: (start: () => Promise<System>) => Promise<void>,
): Promise<void> {
  const scene = sceneOf(size);
  const url = await side.newDatabase();
  const first = await side.start({ scene, database: url, timeoutMs: 300_000 });
  await first.stop();
  await insertRequests(side.postgres, url, 1, "waiting");
  const database = await openDatabase(url, { log: silentLog });
  const { lease } = await join(database, { defaultBase: "holder", leaseMs: 24 * 3_600_000 });
  const [holder] = await side.postgres.psql<{ id: number }>("select id from buildrequests", url);
  const uses = Array.from({ length: Math.ceil(scene.locked / 10) }, (_, i) => ({
    ...{ name: `lock-${i}`, workerid: 0, max: 1, exclusive: true, count: 1, resources: [], keepMs: 600_000 },
  }));
  const updates = updatesOf(database, lease);
  await updates.locks.claim([{ buildrequestid: holder?.id ?? 0, uses }]);
  await insertRequests(side.postgres, url, count, builders);
  await side.postgres.psql("analyze", url);
  const started: System[] = [];
  try {
    await act(async () => {
      const system = await side.start({ scene, database: url, timeoutMs: 600_000 });
      started.push(system);
      return system;
    });
  } finally {
    for (const system of started) await system.stop();
    await updates.close();
    await database.close();
  }
}

/** How many of the first requests that wait say that it is a lock; one that does not is an error. */
async function describeReasons({ url }: System): Promise<string> {
  const begin = performance.now();
  const answer = await fetch(new URL("api/v2/waiting?limit=200", url));
  const { waiting } = (await answer.json()) as {
    waiting: { builder: string; reasons: { kind: string; sentence: string }[] }[];
  };
  const ms = performance.now() - begin;
  const wrong = waiting.filter(
    ({ builder, reasons }) => builder.startsWith("locked-") && !reasons.some(({ kind }) => kind === "locked"),
  );
  if (waiting.length === 0 || wrong.length > 0)
    throw new Error(
      `of ${waiting.length} requests, ${wrong.length} do not wait for a lock: ${JSON.stringify(wrong[0])}`,
    );
  return `${waiting.length} requests say which lock, in ${ms.toFixed(0)} ms`;
}
