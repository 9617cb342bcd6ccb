import { expect, it } from "vitest";
import { findViolations } from "../../harness/checks.ts";
import { startCluster } from "../../harness/cluster.ts";
import { freePort } from "../../harness/ports.ts";
import { waitFor } from "../../harness/wait-for.ts";

const config = "test/cluster/configs/ledger/cluster.ts";

it("a cluster whose router was never there builds all the same, says so where one looks, and not too often", async () => {
  const router = `ws://127.0.0.1:${await freePort()}/ws`;
  const cluster = await startCluster({ config, router: false, env: { WAMP_ROUTER: router } });
  const began = performance.now();
  const ui = await cluster.master({ roles: ["ui"], name: "ui" });
  const scheduler = await cluster.master({ roles: ["scheduler"], name: "scheduler" });
  const engine = await cluster.master({ roles: ["builder-engine"], name: "engine" });
  await Promise.all([ui, scheduler, engine].map((master) => master.waitReady()));
  await cluster.workers(engine, ui, ["w1", "w2"]);
  await waitFor(async () => (await cluster.rows("select 1 from object_state where name = 'lastRev'")).length === 1, {
    what: "the first poll",
  });
  cluster.repository.commit({ files: { a: "1" } });
  await waitFor(async () => (await cluster.rows("select 1 from buildrequests where complete = 1")).length === 2, {
    what: "the commit to be built",
    timeoutMs: 90_000,
  });

  const health = await (await ui.fetch("health")).json();
  expect(health).toMatchObject({ status: "degraded", bus: { kind: "wamp", state: "degraded" } });
  expect((await ui.fetch("ready")).status).toBe(200);
  for (const master of [ui, scheduler, engine]) {
    expect(master.process.exit()).toBeUndefined();
    const complaints = master
      .logLines()
      .filter(({ msg }) => String(msg).startsWith("the message router is unreachable"));
    const minutes = Math.ceil((performance.now() - began) / 60_000);
    expect(complaints.length).toBeGreaterThan(0);
    expect(complaints.length).toBeLessThanOrEqual(minutes);
    expect(complaints[0]).toMatchObject({ router: expect.stringContaining("127.0.0.1") });
  }
  expect(await findViolations(cluster)).toEqual([]);
});
