import { basename } from "node:path";
import { expect, it } from "vitest";
import { findViolations } from "../../harness/checks.ts";
import { type Diagram, type Seat, startDiagram, type WorkerKind } from "../../harness/diagram.ts";
import { describeMs } from "../../harness/figures.ts";
import { readLedger } from "../../harness/ledger.ts";
import { startLoad } from "../../harness/load.ts";
import { isLong } from "../../harness/long-form.ts";
import { setUpOnDemand } from "../../setup.mjs";

// The long form is `npm run test:upgrades`.
const upgrades = isLong ? 20 : 1;
/** Installations that the long form has beside those of the short one; MULTIMASTER_WORKERS names the directories of more. */
const releases = isLong ? ["3.11.9", "3.4.1", "2.10.5", "1.8.2", "0.9.14"] : ["2.10.5"];
const installations = (process.env["MULTIMASTER_WORKERS"] ?? "").split(",").filter((directory) => directory !== "");
const workersOfAKind = isLong ? 4 : 2;

it(`23: rolling upgrades of all masters under load, ${upgrades} in a row: nothing lost, retried or repeated, no user's request fails`, async () => {
  const diagram = await startDiagram({
    buildbotWorkers: workersOfAKind,
    ownWorkers: workersOfAKind,
    more: moreKinds(),
    env: { WORK: "sleep 1", LEASE: "15s" },
  });
  const { cluster } = diagram;
  const load = startLoad(diagram);
  const drains: Drain[] = [];
  for (let n = 1; n <= upgrades; n++) {
    const former = await diagram.renew();
    for (const role of ["scheduler", "builder-engine", "ui"]) {
      const leaving = former.filter((seat) => seat.role === role);
      drains.push(...(await Promise.all(leaving.map((seat) => drain(diagram, seat)))));
    }
    if (isLong) console.log(`upgrade ${n} of ${upgrades}: ${load.requests()} requests, ${load.failures.length} failed`);
  }
  await load.finish();

  const builds = await cluster.rows<{ results: number; count: number }>(
    "select results, count(*)::int as count from builds group by results order by results",
  );
  const away = timesAway(diagram);
  console.log(
    [
      `rolling upgrades of all six masters: ${upgrades}`,
      `builds: ${builds.map(({ results, count }) => `${count} with result ${results}`).join(", ")}`,
      `users' requests: ${load.requests()}, failed: ${load.failures.length}; commits: ${load.commits()}`,
      ...describeAway(diagram, away),
      `a drain took: ${describeMs(drains.map(({ ms }) => ms))}`,
      `from a forced request to its first command: ${describeMs(startLatencies(diagram, load.forced))}`,
    ].join("\n"),
  );

  expect(load.failures).toEqual([]);
  expect(builds).toEqual([{ results: 0, count: expect.any(Number) }]);
  expect(drains.map(({ retried, lost }) => [retried, lost])).toEqual(drains.map(() => [0, 0]));
  expect(away.length).toBeGreaterThanOrEqual(upgrades * diagram.workers.length);
  expect(await findViolations(cluster)).toEqual([]);
}, 3_600_000);

/** The newest release with pb, older ones, and with msgpack the oldest that speaks it. */
function moreKinds(): { kind: WorkerKind; count: number }[] {
  const count = isLong ? 2 : 1;
  const install = (release: string) => setUpOnDemand(`buildbot-worker-${release}`, () => undefined);
  const pb = [
    ...releases.map((release) => ({ title: release, installation: install(release) })),
    ...installations.map((installation) => ({ title: basename(installation), installation })),
  ].map(({ title, installation }) => ({
    title: `buildbot-worker ${title}, pb`,
    protocol: "pb" as const,
    installation,
  }));
  const older = { title: "buildbot-worker 3.11.9, msgpack", protocol: "msgpack_experimental_v7" as const };
  return [
    { title: "buildbot-worker 4.3.0, pb", protocol: "pb" as const },
    ...pb,
    ...(isLong ? [{ ...older, installation: install("3.11.9") }] : []),
  ].map((kind) => ({ kind, count }));
}

interface Drain {
  ms: number;
  retried: number | null;
  lost: number | null;
}

/** Ordered through the users' balancer, as an operator's script would. */
async function drain({ cluster, url }: Diagram, seat: Seat): Promise<Drain> {
  const begun = performance.now();
  const [{ id: masterid } = { id: 0 }] = await cluster.rows<{ id: number }>(
    `select id from masters where name = '${seat.name}'`,
  );
  const answer = await fetch(new URL(`api/v2/masters/${masterid}`, url), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "drain", params: { reason: "upgrade" } }),
  });
  expect(answer.status).toBe(200);
  const { result } = (await answer.json()) as { result: { orderid: number } };
  expect(await seat.master.process.waitForExit({ timeoutMs: 180_000 })).toMatchObject({ code: 0 });
  const ms = performance.now() - begun;
  const [report] = await cluster.rows<{
    outcome: string;
    requests_retried: number | null;
    requests_lost: number | null;
  }>(`select outcome, requests_retried, requests_lost from mm_orders where id = ${result.orderid}`);
  expect(report?.outcome).toBe("done");
  return { ms, retried: report?.requests_retried ?? 0, lost: report?.requests_lost ?? 0 };
}

/** Milliseconds between a worker's leaving one engine and its being attached to the next, from what engines log. */
function timesAway(diagram: Diagram): { worker: string; ms: number }[] {
  const moves = diagram
    .everybody()
    .flatMap((master) => master.logLines())
    .flatMap(({ msg, time, worker }) => {
      const what = /is attached$/.test(String(msg)) ? "attached" : /has left$/.test(String(msg)) ? "left" : undefined;
      return what ? [{ worker: String(worker), what, at: Date.parse(String(time)) }] : [];
    })
    .sort((a, b) => a.at - b.at);
  const left = new Map<string, number>();
  return moves.flatMap(({ worker, what, at }) => {
    const since = left.get(worker);
    if (what === "left") left.set(worker, at);
    else left.delete(worker);
    return what === "attached" && since !== undefined ? [{ worker, ms: at - since }] : [];
  });
}

/** A line for each kind of worker. */
function describeAway({ workers }: Diagram, away: readonly { worker: string; ms: number }[]): string[] {
  const titles = [...new Set(workers.map(({ kind }) => kind.title))];
  return titles.map((title) => {
    const names = new Set(workers.filter(({ kind }) => kind.title === title).map(({ name }) => name));
    return `away, ${title}: ${describeMs(away.flatMap(({ worker, ms }) => (names.has(worker) ? [ms] : [])))}`;
  });
}

/** Milliseconds from the acknowledgement of a forced request to the first line that its build wrote outside. */
function startLatencies({ cluster }: Diagram, forced: ReadonlyMap<number, number>): number[] {
  return readLedger(cluster.ledger.path).flatMap(({ word, request, nonce }) => {
    const asked = request === undefined ? undefined : forced.get(request);
    // The nonce ends in nanoseconds since the epoch.
    const begun = Number(/-(\d+)$/.exec(nonce ?? "")?.[1]) / 1e6;
    return word === "begin" && asked !== undefined && begun > 0 ? [Math.max(0, begun - asked)] : [];
  });
}
