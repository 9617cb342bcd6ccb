import { expect, it } from "vitest";
import { findViolations } from "../harness/checks.ts";
import { startCluster } from "../harness/cluster.ts";
import { waitFor } from "../harness/wait-for.ts";

interface Row extends Record<string, unknown> {
  builder: string;
  master: string;
  worker: string;
  results: number;
}

it("a commit is polled, scheduled, built by each team's engine, and read back through the ui master", async () => {
  const cluster = await startCluster({ config: "configs/asymmetric/cluster.ts" });
  const ui = await cluster.master({ roles: ["ui"], name: "ui" });
  const scheduler = await cluster.master({ roles: ["scheduler"], name: "scheduler" });
  const web = await cluster.master({ roles: ["builder-engine"], builders: ["web"], name: "web-engine" });
  const db = await cluster.master({ roles: ["builder-engine"], builders: ["db"], name: "db-engine" });
  await Promise.all([ui, scheduler, web, db].map((master) => master.waitReady()));
  await cluster.workers(web, ui, ["web-1", "web-2"]);
  await cluster.workers(db, ui, ["db-1", "db-2"]);
  await waitFor(async () => (await cluster.rows("select 1 from object_state where name = 'lastRev'")).length === 1, {
    what: "the first poll",
  });

  const revision = cluster.repository.commit({ files: { feature: "1" }, message: "Add a feature" });
  await waitFor(async () => (await cluster.rows("select 1 from buildrequests where complete = 1")).length === 2, {
    what: "both teams' builds",
    timeoutMs: 60_000,
  });
  const builds = await cluster.rows<Row>(`
    select b.name as builder, m.name as master, w.name as worker, x.results from builds x join builders b on b.id = x.builderid
      join masters m on m.id = x.masterid join workers w on w.id = x.workerid order by b.name`);
  expect(builds).toMatchObject([
    { builder: "db-tests", master: "db-engine", worker: expect.stringMatching(/^db-/), results: 0 },
    { builder: "web-tests", master: "web-engine", worker: expect.stringMatching(/^web-/), results: 0 },
  ]);
  expect(await findViolations(cluster)).toEqual([]);

  const webTests = (await ui.api<{ builders: { builderid: number }[] }>("builders/web-tests")).body.builders[0]
    ?.builderid;
  const log = await (await ui.fetch(`api/v2/builders/${webTests}/builds/1/steps/tests/logs/stdio/raw`)).text();
  expect(log).toContain(`tested ${revision}`);
  const { body } = await ui.api<{ changes: { revision: string; comments: string }[] }>("builds/1/changes");
  expect(body.changes).toMatchObject([{ revision, comments: expect.stringContaining("Add a feature") }]);
  const { body: forced } = await ui.apiPost<{ result: [number, Record<string, number>] }>(
    "forceschedulers/force",
    "force",
    {
      builderNames: ["web-tests"],
      branch: "main",
      reason: "once more",
    },
  );
  await waitFor(
    async () => {
      const request = Object.values(forced.result[1])[0];
      return (
        (await ui.api<{ buildrequests: { complete: boolean; results: number }[] }>(`buildrequests/${request}`)).body
          .buildrequests[0]?.results === 0
      );
    },
    { what: "the forced build" },
  );
  for (const master of [scheduler, web, db, ui]) {
    master.sigterm();
    expect(await master.process.waitForExit()).toMatchObject({ code: 0 });
  }
});
