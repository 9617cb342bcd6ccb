import { expect, it } from "vitest";
import { configFile, startCluster } from "../harness/cluster.ts";
import { freePort } from "../harness/ports.ts";
import { runMaster } from "../harness/run-master.ts";
import { waitFor } from "../harness/wait-for.ts";

const config = "test/cluster/configs/ledger/cluster.ts";

interface Members {
  members: { name: string; failures: { service: string; since: number; cause: string }[] }[];
}
interface ClusterState {
  cluster: { state: string; problems: { kind: string; sentence: string }[] }[];
}

it("a loop that fails for ever is seen in /ready, in the status and on the cluster page, until it works again", async () => {
  const cluster = await startCluster({ config, env: { LEASE: "2s", MONITOR: String(await freePort()) } });
  const front = await cluster.master({ roles: ["scheduler", "ui"], name: "front" });
  const ui = await cluster.master({ roles: ["ui"], name: "ui", env: { MONITOR: "" } });
  await Promise.all([front.waitReady(), ui.waitReady()]);
  const failing = async () =>
    (await ui.api<Members>("members")).body.members.flatMap(({ name, failures }) =>
      failures.map(({ service, cause }) => ({ name, service, cause })),
    );
  expect(await failing()).toEqual([]);

  // The database takes all other writes, and only a repair by hand ends this refusal.
  await cluster.rows("alter table mm_poll_requests rename to mm_poll_requests_away");
  const mentioned = expect.stringContaining("mm_poll_requests");
  await waitFor(async () => (await failing()).length > 0, { what: "the failure to be shown", timeoutMs: 60_000 });
  expect(await failing()).toEqual([{ name: "front", service: "change sources", cause: mentioned }]);
  const monitor = `http://127.0.0.1:${cluster.env["MONITOR"]}/ready`;
  const ready = await fetch(monitor);
  expect([ready.status, await ready.json()]).toEqual([
    503,
    { ready: false, reasons: [expect.stringMatching(/^change sources: has failed since .*mm_poll_requests/)] },
  ]);
  // Its ui can serve users all the same.
  expect((await front.fetch("ready")).status).toBe(200);
  const [shown] = (await ui.api<ClusterState>("cluster")).body.cluster;
  expect(shown?.problems.map(({ sentence }) => sentence)).toContainEqual(
    expect.stringMatching(/^On front, "change sources" has failed since .*mm_poll_requests/),
  );
  const status = () => runMaster(["status", "--config", configFile(config)], cluster.env);
  expect((await status()).stdout).toMatch(/^On front, "change sources" has failed since .*mm_poll_requests/m);

  await cluster.rows("alter table mm_poll_requests_away rename to mm_poll_requests");
  await waitFor(async () => (await failing()).length === 0, { what: "the failure to be over", timeoutMs: 60_000 });
  expect((await fetch(monitor)).status).toBe(200);
  expect((await status()).stdout).not.toContain("has failed");
});
