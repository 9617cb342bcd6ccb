import { expect, it } from "vitest";
import { findViolations } from "../../harness/checks.ts";
import { startCluster } from "../../harness/cluster.ts";
import { startTcpProxy } from "../../harness/tcp-proxy.ts";
import { waitFor } from "../../harness/wait-for.ts";

const config = "test/cluster/configs/ledger/cluster.ts";

interface Lease extends Record<string, unknown> {
  name: string;
  epoch: number;
  buried: boolean;
  late: number;
}

it("a master that leaves the router is evicted when its lease has expired, and never while it renews its lease", async () => {
  const cluster = await startCluster({ config, env: { POLL: "no" } });
  const router = cluster.router as NonNullable<typeof cluster.router>;
  const wire = await startTcpProxy({ target: router.url });
  const observer = await cluster.master({ roles: ["ui"], name: "observer" });
  const dying = await cluster.master({ roles: ["scheduler"], name: "dying" });
  const leaving = await cluster.master({
    roles: ["scheduler"],
    name: "leaving",
    env: { WAMP_ROUTER: wire.url(router.url) },
  });
  await Promise.all([observer, dying, leaving].map((master) => master.waitReady()));
  const leases = () =>
    cluster.rows<Lease>(
      `select m.name, l.epoch, l.buried_at is not null as buried, l.buried_at - l.expires_at as late
       from mm_leases l join masters m on m.id = l.masterid order by m.name`,
    );

  await wire.refuse();
  wire.cut();
  await leaving.waitForLog(
    ({ msg }) => String(msg).startsWith("the message router is unreachable"),
    "the loss of the router",
  );
  await dying.kill9();
  const [dead] = await waitFor(
    async () => {
      const buried = (await leases()).filter((lease) => lease.buried);
      return buried.length > 0 && buried;
    },
    { what: "the dead master to be evicted", timeoutMs: 60_000 },
  );
  expect(dead?.name).toBe("dying");
  // By the database's clock, which alone decides.
  expect(dead?.late).toBeGreaterThanOrEqual(0);
  console.log(`evicted ${Math.round((dead?.late ?? 0) * 1000)} ms after the lease had expired`);

  await wire.accept();
  await leaving.waitForLog(({ msg }) => msg === "connected to the message router", "its return to the router");
  expect(await leases()).toMatchObject([
    { name: "dying", buried: true },
    { name: "leaving", epoch: 1, buried: false },
    { name: "observer", epoch: 1, buried: false },
  ]);
  expect(await findViolations(cluster)).toEqual([]);
});
