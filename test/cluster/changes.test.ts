import { expect, it } from "vitest";
import { findViolations } from "../harness/checks.ts";
import { startCluster } from "../harness/cluster.ts";
import { waitFor } from "../harness/wait-for.ts";

const config = "test/cluster/configs/ledger/cluster.ts";

function change(n: number) {
  return {
    author: "Ada <ada@example.org>",
    comments: `change ${n}`,
    revision: `r${n}`,
    branch: "main",
    repository: "https://example.org/r.git",
  };
}

it("a change added while no scheduler runs is scheduled once when one starts", async () => {
  const cluster = await startCluster({ config, env: { POLL: "no" } });
  const ui = await cluster.master({ roles: ["ui"] });
  await ui.waitReady();
  expect((await ui.apiPost("changes", "add", change(1))).status).toBe(200);
  const schedulers = [await cluster.master({ roles: ["scheduler"] }), await cluster.master({ roles: ["scheduler"] })];
  await waitFor(async () => (await cluster.rows("select 1 from buildsets")).length === 2, {
    what: "a buildset of each scheduler",
  });
  await Promise.all(schedulers.map((scheduler) => scheduler.stop()));

  await ui.apiPost("changes", "add", change(2));
  await cluster.master({ roles: ["scheduler"] });
  await waitFor(async () => (await cluster.rows("select 1 from buildsets")).length === 4, {
    what: "two more buildsets",
  });
  expect((await findViolations(cluster)).filter((found) => found.includes("change"))).toEqual([]);
});

it("200 changes added by four masters at once are each in one buildset of each scheduler", async () => {
  const cluster = await startCluster({ config, env: { POLL: "no" } });
  const uis = await Promise.all([1, 2, 3, 4].map((n) => cluster.master({ roles: ["ui"], name: `ui-${n}` })));
  await cluster.master({ roles: ["scheduler"] });
  await cluster.master({ roles: ["scheduler"] });
  await Promise.all(uis.map((ui) => ui.waitReady()));
  const answers = await Promise.all(
    uis.flatMap((ui, i) => Array.from({ length: 50 }, (_, n) => ui.apiPost("changes", "add", change(i * 50 + n)))),
  );
  expect(answers.every(({ status }) => status === 200)).toBe(true);
  await waitFor(async () => (await cluster.rows("select 1 from buildsets")).length >= 400, {
    what: "400 buildsets",
    timeoutMs: 90_000,
  });
  expect((await findViolations(cluster)).filter((found) => found.includes("change"))).toEqual([]);
  expect(await cluster.rows("select count(*)::int as n from changes")).toEqual([{ n: 200 }]);
  expect(await cluster.rows("select count(*)::int as n from buildsets")).toEqual([{ n: 400 }]);
});
