import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { findViolations } from "../harness/checks.ts";
import { configFile } from "../harness/cluster.ts";
import { type Diagram, startDiagram } from "../harness/diagram.ts";
import { startLoad } from "../harness/load.ts";
import { isLong } from "../harness/long-form.ts";
import { runMaster } from "../harness/run-master.ts";
import { areAllLeased, frozen, killed, type Strike } from "../harness/strikes.ts";
import { waitFor } from "../harness/wait-for.ts";

// The long form, `npm run test:faults`, has every fault and the default lease; docs/faults.md holds what it printed.
const workersOfAKind = isLong ? 10 : 2;
const leaseMs = isLong ? 15_000 : 6000;

interface Fault {
  readonly what: string;
  readonly strike: Strike;
  readonly short?: true;
}

const stalled = (line: "database" | "router" | "workers", ms: number) => async (diagram: Diagram) => {
  diagram.lines[line].stall();
  await sleep(ms);
  diagram.lines[line].resume();
};

const cut = (line: "database" | "router" | "workers") => async (diagram: Diagram) => diagram.lines[line].cut();

const faults: readonly Fault[] = [
  { what: "engine: kill -9", strike: killed("builder-engine") },
  { what: "scheduler master: kill -9", strike: killed("scheduler") },
  { what: "ui master: kill -9", strike: killed("ui") },
  { what: "engine: stopped for 2.5 leases", strike: frozen("builder-engine", leaseMs) },
  { what: "scheduler master: stopped for 2.5 leases", strike: frozen("scheduler", leaseMs) },
  { what: "ui master: stopped for 2.5 leases", strike: frozen("ui", leaseMs) },
  { what: "half the masters: connections to PostgreSQL cut", strike: cut("database") },
  { what: "half the masters: PostgreSQL half-open for 2 leases", strike: stalled("database", leaseMs * 2) },
  { what: "half the masters: connections to the router cut", strike: cut("router") },
  { what: "half the masters: router half-open for 20 s", strike: stalled("router", 20_000) },
  { what: "all workers: connections cut", strike: cut("workers") },
  { what: "all workers: half-open for 10 s", strike: stalled("workers", 10_000) },
  {
    what: "PostgreSQL: immediate restart",
    strike: ({ cluster }) => cluster.postgres.restart("immediate"),
  },
  {
    what: "PostgreSQL: stopped for 2 leases",
    strike: async ({ cluster }) => {
      cluster.postgres.freeze();
      await sleep(leaseMs * 2);
      cluster.postgres.thaw();
    },
  },
  {
    what: "crossbar.io: killed, back after 10 s",
    strike: async ({ cluster }) => {
      await cluster.crossbar.kill();
      await sleep(10_000);
      await cluster.crossbar.start();
    },
  },
  {
    what: "crossbar.io: stopped for 20 s",
    strike: async ({ cluster }) => {
      cluster.crossbar.freeze();
      await sleep(20_000);
      cluster.crossbar.thaw();
    },
  },
  {
    what: "HAProxy: killed, back at once",
    strike: async ({ haproxy }) => {
      await haproxy.kill();
      await haproxy.start();
    },
    short: true,
  },
  {
    what: "a buildbot-worker: stopped for 20 s",
    strike: async ({ workers }) => {
      workers[0]?.process.freeze();
      await sleep(20_000);
      workers[0]?.process.thaw();
    },
  },
];

it("every component fails in turn under load: each request ends once, the audit finds nothing, and work flows again", async () => {
  const diagram = await startDiagram({
    buildbotWorkers: workersOfAKind,
    ownWorkers: workersOfAKind,
    env: { WORK: "sleep 1", LEASE: `${leaseMs}ms` },
  });
  const { cluster } = diagram;
  const load = startLoad(diagram);
  const table: string[] = [];
  for (const { what, strike } of faults.filter(({ short }) => isLong || short)) {
    const failed = load.failures.length;
    const retried = await countRetries(diagram);
    await strike(diagram);
    const over = performance.now();
    await waitUntilWorkFlows(diagram);
    const flows = performance.now() - over;
    await waitFor(() => areAllLeased(diagram), {
      what: "the dead to be evicted, and those who lost their lease to be back",
      timeoutMs: 120_000,
    });
    const audit = await runMaster(
      ["audit", "--config", configFile("test/cluster/configs/ledger/cluster.ts")],
      cluster.env,
    );
    expect(audit, `the audit after "${what}"`).toMatchObject({ code: 0 });
    const retries = (await countRetries(diagram)) - retried;
    const cells = [what, `${(flows / 1000).toFixed(1)} s`, retries, load.failures.length - failed, "nothing"];
    table.push(`| ${cells.join(" | ")} |`);
    if (isLong) console.log(table.at(-1));
  }
  await load.finish();
  console.log(
    [
      "| fault | a new build ended after its end | builds run again | users' requests refused | audit finds |",
      "| --- | --- | --- | --- | --- |",
      ...table,
    ].join("\n"),
  );
  const twice = await cluster.rows(
    "select buildrequestid from builds where results <> 5 group by buildrequestid having count(*) > 1",
  );
  expect(twice).toEqual([]);
  expect(await findViolations(cluster)).toEqual([]);
}, 3_600_000);

/** Builds that were released to be run again, until now. */
async function countRetries({ cluster }: Diagram): Promise<number> {
  const [row] = await cluster.rows<{ count: number }>("select count(*)::int as count from builds where results = 5");
  return row?.count ?? 0;
}

/** A build forced now, through the users' balancer, ends. */
async function waitUntilWorkFlows({ cluster, url }: Diagram): Promise<void> {
  const body = { jsonrpc: "2.0", id: 1, method: "force", params: { builderNames: ["job"], reason: "does work flow?" } };
  const ids = await waitFor(
    async () => {
      const answer = await fetch(new URL("api/v2/forceschedulers/force", url), {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(20_000),
      });
      if (answer.status !== 200) return undefined;
      return Object.values(((await answer.json()) as { result: [number, Record<string, number>] }).result[1]);
    },
    { what: "the cluster to take a request", timeoutMs: 120_000, intervalMs: 250 },
  );
  await waitFor(
    async () =>
      (await cluster.rows(`select 1 from buildrequests where id in (${ids.join(",")}) and complete = 1`)).length ===
      ids.length,
    { what: "a new build to end", timeoutMs: 180_000, intervalMs: 250 },
  );
}
