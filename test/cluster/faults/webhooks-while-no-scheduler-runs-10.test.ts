import { expect, it } from "vitest";
import { startCluster } from "../../harness/cluster.ts";
import { holdCommits, openSession, waitForBlocked } from "../../harness/database-session.ts";
import { waitFor } from "../../harness/wait-for.ts";
import { deliver } from "./deliver.ts";
import { findUnscheduled } from "./find-unscheduled.ts";

const config = "test/cluster/configs/ledger/cluster.ts";

it("a webhook is answered after the commit, and every change acknowledged while no scheduler runs is in one buildset of each", async () => {
  const cluster = await startCluster({ config, env: { POLL: "no" } });
  const ui = await cluster.master({ roles: ["ui"], name: "ui" });
  const doomed = await cluster.master({ roles: ["ui"], name: "doomed" });
  await Promise.all([ui.waitReady(), doomed.waitReady()]);
  const acknowledged: string[] = [];
  const post = async (master: typeof ui, revision: string) => {
    const status = await deliver(master, revision, `delivery of ${revision}`).catch(() => 0);
    if (status >= 200 && status < 300) acknowledged.push(revision);
    return status;
  };

  // While the commit is held, there is no answer.
  const session = await openSession(cluster);
  await holdCommits(session, "changes");
  await session.run("select pg_advisory_lock(4711)");
  const held = post(ui, "held");
  await waitForBlocked(cluster, "^commit");
  expect(acknowledged).toEqual([]);
  expect(await cluster.rows("select 1 from changes")).toEqual([]);
  await session.run("select pg_advisory_unlock(4711)");
  expect(await held).toBe(202);
  expect(await cluster.rows("select revision from changes")).toEqual([{ revision: "held" }]);

  // Many at the same time, at two uis, one of which dies meanwhile.
  const many = Array.from({ length: 60 }, (_, n) => post(n % 2 === 0 ? ui : doomed, `r${n}`));
  await waitFor(() => acknowledged.length > 10, { what: "some answers" });
  await doomed.kill9();
  await Promise.all(many);
  // With the database away nothing is acknowledged.
  await cluster.postgres.kill();
  expect(await post(ui, "unheard")).toBe(503);
  await cluster.postgres.start();
  expect(acknowledged).not.toContain("unheard");

  const changes = (await cluster.rows<{ revision: string }>("select revision from changes")).map((row) => row.revision);
  expect(acknowledged.filter((revision) => !changes.includes(revision))).toEqual([]);
  expect(new Set(changes).size).toBe(changes.length);

  await cluster.master({ roles: ["scheduler"], name: "s1" });
  await cluster.master({ roles: ["scheduler"], name: "s2" });
  await waitFor(async () => (await cluster.rows("select 1 from buildsets")).length >= 2 * changes.length, {
    what: "two buildsets of each change",
    timeoutMs: 90_000,
  });
  expect(await findUnscheduled(cluster)).toEqual([]);
  expect(await cluster.rows("select count(*)::int as n from buildsets")).toEqual([{ n: 2 * changes.length }]);
});

it("200 changes added by four masters at once are each in one buildset of each scheduler", async () => {
  const cluster = await startCluster({ config, env: { POLL: "no" } });
  const uis = await Promise.all([1, 2, 3, 4].map((n) => cluster.master({ roles: ["ui"], name: `ui-${n}` })));
  await cluster.master({ roles: ["scheduler"] });
  await cluster.master({ roles: ["scheduler"] });
  await Promise.all(uis.map((ui) => ui.waitReady()));
  const answers = await Promise.all(
    uis.flatMap((ui, i) => Array.from({ length: 50 }, (_, n) => deliver(ui, `r${i * 50 + n}`, `${i}-${n}`))),
  );
  expect(answers.every((status) => status === 202)).toBe(true);
  await waitFor(async () => (await cluster.rows("select 1 from buildsets")).length >= 400, {
    what: "400 buildsets",
    timeoutMs: 90_000,
  });
  expect(await findUnscheduled(cluster)).toEqual([]);
  expect(await cluster.rows("select count(*)::int as n from changes")).toEqual([{ n: 200 }]);
  expect(await cluster.rows("select count(*)::int as n from buildsets")).toEqual([{ n: 400 }]);
});
