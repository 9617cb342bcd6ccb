import { expect, it } from "vitest";
import { configFile, startCluster } from "../harness/cluster.ts";
import { runMaster } from "../harness/run-master.ts";
import { waitFor } from "../harness/wait-for.ts";

const config = "test/cluster/configs/ledger/cluster.ts";

interface Shown {
  members: { name: string; failures: { service: string; since: number; cause: string }[] }[];
}

it("a loop that fails for ever is seen in /ready, in the status and on the cluster page, until it works again", async () => {
  const cluster = await startCluster({ config, env: { LEASE: "2s" } });
  const engine = await cluster.master({ roles: ["builder-engine"], name: "engine" });
  const ui = await cluster.master({ roles: ["ui"], name: "ui" });
  await Promise.all([engine.waitReady(), ui.waitReady()]);
  const failing = async () =>
    (await ui.api<Shown>("members")).body.members.flatMap(({ name, failures }) =>
      failures.map(({ service, cause }) => ({ name, service, cause })),
    );
  expect(await failing()).toEqual([]);

  // A fault of a statement, and not the database's: nothing but a repair by hand ends it.
  await cluster.rows("alter table mm_stop_requests rename to mm_stop_requests_away");
  await waitFor(async () => (await failing()).length > 0, { what: "the failure to be shown", timeoutMs: 60_000 });
  const cause = expect.stringContaining("mm_stop_requests");
  expect(await failing()).toContainEqual({ name: "engine", service: "stop-requests", cause });
  const { problems, state } = (await ui.api<{ clusters: { state: string; problems: object[] }[] }>("cluster")).body
    .clusters[0] as { state: string; problems: object[] };
  expect(state).not.toBe("ok");
  expect(problems).toContainEqual(
    expect.objectContaining({
      kind: "service_failing",
      sentence: expect.stringMatching(/^On engine, "stop-requests"/),
    }),
  );
  const args = ["status", "--config", configFile(config)];
  const status = await runMaster(args, cluster.env);
  expect(status.stdout).toMatch(/On engine, "stop-requests" has failed since .*mm_stop_requests/);

  await cluster.rows("alter table mm_stop_requests_away rename to mm_stop_requests");
  await waitFor(async () => (await failing()).length === 0, { what: "the failure to be over", timeoutMs: 60_000 });
});
