import { expect, it } from "vitest";
import { findViolations } from "../../harness/checks.ts";
import { startCluster } from "../../harness/cluster.ts";
import { type HeldConnection, startTcpProxy } from "../../harness/tcp-proxy.ts";
import { waitFor } from "../../harness/wait-for.ts";

const config = "test/cluster/configs/ledger/cluster.ts";

it.each([
  ["whose connection was cut before the answer", (claim: HeldConnection) => claim.cut()],
  ["whose answer never comes on a connection that stays", () => {}],
])("a claim that was committed, %s, is released and its request is run once", async (_how, end) => {
  const cluster = await startCluster({ config, router: false, env: { POLL: "no" } });
  const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
  await front.waitReady();
  const proxy = await startTcpProxy({ target: cluster.database });
  const engine = await cluster.master({
    roles: ["builder-engine"],
    name: "engine",
    env: { DATABASE_URL: proxy.url(cluster.database) },
  });
  await cluster.workers(engine, front, ["w1"]);

  const claim = proxy.holdAfter("insert into buildrequest_claims");
  await front.apiPost("forceschedulers/force", "force", { builderNames: ["job"], reason: "test" });
  await claim.answered;
  expect(await cluster.rows("select brid from buildrequest_claims")).toHaveLength(1);
  expect(await cluster.rows("select id from builds")).toEqual([]);
  end(claim);

  await waitFor(async () => (await cluster.rows("select 1 from buildrequests where complete = 1")).length === 1, {
    what: "the request to be complete",
    timeoutMs: 90_000,
  });
  expect(await cluster.rows("select number, results from builds")).toEqual([{ number: 1, results: 0 }]);
  expect(cluster.ledger.lines()).toEqual(["begin job 1", "end job 1"]);
  expect(await findViolations(cluster)).toEqual([]);
});
