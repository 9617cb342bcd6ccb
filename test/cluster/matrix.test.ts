import { expect, it } from "vitest";
import { findViolations } from "../harness/checks.ts";
import { startCluster } from "../harness/cluster.ts";
import { isLong } from "../harness/long-form.ts";
import type { TestMaster } from "../harness/master.ts";
import { startOwnWorker } from "../harness/own-worker.ts";
import { waitFor } from "../harness/wait-for.ts";
import { startWorkerFront } from "../harness/worker-front.ts";

const count = Number(process.env["MULTIMASTER_ITEMS"] ?? 2000);
const workers = ["w1", "w2", "w3", "w4", "w5", "w6"];

interface Counts {
  readonly trigger_item_counts: readonly { state: string; results: number | null; count: number }[];
}

/** The time of an answer, in milliseconds. */
async function timed(ui: TestMaster, path: string): Promise<number> {
  const from = performance.now();
  const { status } = await ui.api(path);
  expect([path, status]).toEqual([path, 200]);
  return performance.now() - from;
}

// With 40 items in one process, in every run: test/integration/engine/matrix.test.ts.
it.skipIf(!isLong)(
  `a matrix of ${count} items on two engines, of which the one with the matrix is killed: each item once (npm run test:matrix)`,
  async () => {
    const cluster = await startCluster({
      config: "test/cluster/configs/matrix/cluster.ts",
      env: { ITEMS: String(count), WORKERS: workers.join(",") },
    });
    const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
    const engines = [
      await cluster.master({ roles: ["builder-engine"], name: "one" }),
      await cluster.master({ roles: ["builder-engine"], name: "two" }),
    ];
    await Promise.all([front, ...engines].map((master) => master.waitReady()));
    const ports = await Promise.all(engines.map((engine) => engine.workerPort()));
    const { port } = await startWorkerFront(ports);
    for (const name of workers) await startOwnWorker({ port, name, password: String(cluster.env["WORKER_PASSWORD"]) });
    await waitFor(async () => (await cluster.rows("select 1 from mm_triggerable_schedulers")).length === 1, {
      what: "the triggerable scheduler to be known",
    });

    const began = Date.now();
    await front.apiPost("forceschedulers/force", "force", { builderNames: ["matrix"], reason: "test" });
    const ended = async () => {
      const [{ n }] = (await cluster.rows<{ n: string }>(
        "select count(*) as n from builds where complete_at is not null",
      )) as [{ n: string }];
      return Number(n);
    };
    const patient = { timeoutMs: 1_800_000, intervalMs: 500 };
    await waitFor(async () => (await ended()) > count / 4, { what: "a quarter of the items", ...patient });
    const parents = () =>
      cluster.rows<{ id: number; number: number; master: string; results: number | null }>(
        `select b.id, b.number, m.name as master, b.results from builds b join builders n on n.id = b.builderid
           join masters m on m.id = b.masterid where n.name = 'matrix' order by b.id`,
      );
    const [first] = await parents();
    // What the pages ask for while both engines build.
    const pages = [
      `builds/${first?.id}/trigger_items?limit=100`,
      `builds/${first?.id}/trigger_item_counts`,
      `builds/${first?.id}/triggered_builds?order=buildid&limit=100`,
      `builds/${first?.id}/steps`,
    ];
    const times: number[] = [];
    for (let i = 0; i < 10; i += 1) for (const path of pages) times.push(await timed(front, path));
    const killed = engines.find(({ name }) => first?.master.startsWith(String(name))) as TestMaster;
    await killed.kill9();
    const killedAt = Date.now();
    const last = await waitFor(
      async () => (await parents()).findLast(({ results }) => results !== null && results !== 5),
      { what: "the matrix to end", ...patient },
    );
    const seconds = Math.round((Date.now() - began) / 1000);
    times.sort((a, b) => a - b);
    console.log(
      `${count} items in ${seconds} s (${Math.round((Date.now() - killedAt) / 1000)} s of them after the kill); answers while they were built: ` +
        `median ${times[times.length / 2]?.toFixed(0)} ms, longest ${times.at(-1)?.toFixed(0)} ms`,
    );

    expect(last.results).toBe(2);
    const { body } = await front.api<Counts>(`builds/${last.id}/trigger_item_counts`);
    expect(body.trigger_item_counts.map(({ state, results, count: n }) => [state, results, n])).toEqual([
      ["ended", 0, count - 2],
      ["ended", 2, 1],
      ["ended", 3, 1],
    ]);
    // One request for each item, each with one build that was not lost.
    const requests = await cluster.rows<{ item: string; results: number; builds: string }>(
      `select p.property_value as item, r.results,
              (select count(*) from builds b where b.buildrequestid = r.id and b.results <> 5) as builds
         from buildset_properties p join buildrequests r on r.buildsetid = p.buildsetid where p.property_name = 'item'`,
    );
    expect(requests).toHaveLength(count - 1);
    expect(new Set(requests.map(({ item }) => item)).size).toBe(count - 1);
    expect(requests.filter(({ builds }) => Number(builds) !== 1)).toEqual([]);
    expect(requests.filter(({ results }) => Number(results) === 2)).toHaveLength(1);
    // What really ran, too.
    expect(await findViolations(cluster)).toEqual([]);
    await Promise.all([front, ...engines.filter((engine) => engine !== killed)].map((master) => master.stop()));
  },
  3_600_000,
);
