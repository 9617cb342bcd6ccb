import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { findViolations } from "../../harness/checks.ts";
import { startCluster, type TestCluster } from "../../harness/cluster.ts";
import { firstOf, isLong } from "../../harness/long-form.ts";
import { waitFor } from "../../harness/wait-for.ts";

const config = "test/cluster/configs/ledger/cluster.ts";
/** The acceptance form keeps the router away for 60 s; the short form shows the same in less. */
const awaySeconds = isLong ? 60 : 8;

async function waitForBuilds(cluster: TestCluster, requests: number): Promise<void> {
  await waitFor(
    async () => (await cluster.rows("select 1 from buildrequests where complete = 1")).length === requests,
    {
      what: `${requests} requests to be complete`,
      timeoutMs: 120_000,
    },
  );
}

it("without its router the cluster goes on, and events flow again when it is back", async () => {
  const cluster = await startCluster({ config, router: "own" });
  const ui = await cluster.master({ roles: ["ui"], name: "ui" });
  const scheduler = await cluster.master({ roles: ["scheduler"], name: "scheduler" });
  const engine = await cluster.master({ roles: ["builder-engine"], name: "engine" });
  await Promise.all([ui.waitReady(), scheduler.waitReady(), engine.waitReady()]);
  await cluster.workers(engine, ui, ["w1", "w2"]);
  // The first poll of a repository only notes where its branches are.
  await waitFor(async () => (await cluster.rows("select 1 from object_state where name = 'lastRev'")).length === 1, {
    what: "the first poll",
  });

  cluster.repository.commit({ files: { a: "1" } });
  await waitForBuilds(cluster, 2);

  await cluster.crossbar.kill();
  cluster.repository.commit({ files: { a: "2" } });
  await waitForBuilds(cluster, 4);
  await sleep(awaySeconds * 1000);
  cluster.repository.commit({ files: { a: "3" } });
  await waitForBuilds(cluster, 6);
  for (const master of [ui, scheduler, engine]) expect(master.process.exit()).toBeUndefined();
  expect(await (await ui.fetch("health")).json()).toMatchObject({ status: "degraded" });

  await cluster.crossbar.start();
  await waitFor(async () => ((await (await ui.fetch("health")).json()) as { status: string }).status === "ok", {
    what: "the ui to be connected to the router again",
  });
  cluster.repository.commit({ files: { a: "4" } });
  await waitForBuilds(cluster, 8);
  expect(await findViolations(cluster)).toEqual([]);
});

const others = [
  ["with the bus muted", "mute"],
  ["with LISTEN/NOTIFY in the router's place", "notify"],
] as const;

it.each(firstOf(others, 1))("%s the cluster ends with the same rows", async (_how, bus) => {
  const cluster = await startCluster({ config, router: false, env: { BUS: bus } });
  const ui = await cluster.master({ roles: ["ui"], name: "ui" });
  const scheduler = await cluster.master({ roles: ["scheduler"], name: "scheduler" });
  const engine = await cluster.master({ roles: ["builder-engine"], name: "engine" });
  await Promise.all([ui.waitReady(), scheduler.waitReady(), engine.waitReady()]);
  await cluster.workers(engine, ui, ["w1", "w2"]);
  await waitFor(async () => (await cluster.rows("select 1 from object_state where name = 'lastRev'")).length === 1, {
    what: "the first poll",
  });
  for (let i = 1; i <= 4; i++) cluster.repository.commit({ files: { a: String(i) } });
  await waitForBuilds(cluster, 8);
  expect(await findViolations(cluster)).toEqual([]);
  expect(
    cluster.ledger
      .lines()
      .filter((line) => line.startsWith("end"))
      .toSorted(),
  ).toEqual(["job", "other"].flatMap((builder) => [1, 2, 3, 4].map((number) => `end ${builder} ${number}`)));
});
