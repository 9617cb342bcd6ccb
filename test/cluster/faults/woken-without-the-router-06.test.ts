import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findViolations } from "../../harness/checks.ts";
import { startCluster, type TestCluster, waitForGate } from "../../harness/cluster.ts";
import type { TestMaster } from "../../harness/master.ts";
import { readMetric } from "../../harness/metrics.ts";
import { waitFor } from "../../harness/wait-for.ts";
import { deliver } from "./deliver.ts";

/** These masters do not poll (test/harness/plant-fault.mjs), so what goes on at all was woken. */
const env = { WORKERS: "p1,c1", POLL: "no", WORK: waitForGate, PLANTED_FAULT: "polling" };

describe("without the router, masters that do not poll", () => {
  let cluster: TestCluster;
  let ui: TestMaster;
  let scheduler: TestMaster;
  let parents: TestMaster;
  let children: TestMaster;

  beforeAll(async () => {
    cluster = await startCluster({ config: "test/cluster/configs/ledger/cluster.ts", router: "own", env });
    ui = await cluster.master({ roles: ["ui"], name: "ui" });
    scheduler = await cluster.master({ roles: ["scheduler"], name: "scheduler" });
    parents = await cluster.master({ roles: ["builder-engine"], builders: ["parents"], name: "parents" });
    children = await cluster.master({ roles: ["builder-engine"], builders: ["all"], name: "children" });
    await Promise.all([ui, scheduler, parents, children].map((master) => master.waitReady()));
    await Promise.all([cluster.ownWorkers(parents, ui, ["p1"]), cluster.ownWorkers(children, ui, ["c1"])]);
    await waitFor(async () => (await cluster.rows("select 1 from mm_scheduler_cursors")).length === 2, {
      what: "the schedulers to follow changes",
    });
    await cluster.crossbar.kill();
  });
  afterAll(async () => expect(await findViolations(cluster)).toEqual([]));

  /** Waits until these are the results of all builds, oldest first. */
  const ended = (wanted: readonly string[]) =>
    waitFor(
      async () => {
        const rows = await cluster.rows<{ build: string }>(
          "select n.name || ' ' || coalesce(b.results::text, 'runs') as build from builds b join builders n on n.id = b.builderid",
        );
        return JSON.stringify(rows.map(({ build }) => build).sort()) === JSON.stringify(wanted);
      },
      { what: wanted.join(", "), timeoutMs: 60_000 },
    );

  it("stop what a user stops", async () => {
    await ui.apiPost("forceschedulers/force", "force", { builderNames: ["job"], reason: "test" });
    await waitFor(() => cluster.ledger.lines().length === 1, { what: "the build to run", timeoutMs: 60_000 });
    await ui.apiPost("builds/1", "stop", { reason: "test" });
    await ended(["job 6"]);
    cluster.openGate();
  });

  it("build what a user forces, trigger it at another engine, and hear of its end", async () => {
    await ui.apiPost("forceschedulers/force", "force", { builderNames: ["parent"], reason: "test" });
    await ended(["child 0", "job 6", "parent 0"]);
  });

  it("build a change that a forge delivers", async () => {
    expect(await deliver(ui, "1", "first")).toBe(202);
    await ended(["child 0", "job 0", "job 6", "other 0", "parent 0"]);
  });

  it("say by which way they were woken", async () => {
    for (const master of [await ui.url(), (await children.workerUrl()).replace(/^ws/, "http")])
      expect(await readMetric(master, 'multimaster_wakeups_total{by="notify"}')).toBeGreaterThan(0);
  });
});
