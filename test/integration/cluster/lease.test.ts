import { createHash } from "node:crypto";
import {
  createHeartbeat,
  fencedTransaction,
  type Lease,
  LeaseLost,
  listMasters,
  requireLease,
  setState,
} from "@multimaster/cluster";
import { silentLog } from "@multimaster/core";
import { type Database, execute, upgradeDatabase } from "@multimaster/database";
import { beforeEach, describe, expect, it } from "vitest";
import { onCleanup } from "../../harness/cleanup.ts";
import { evictDead, expire, join, joinAsEvictor, leave, makeSteady, readLease } from "../../harness/members.ts";
import { startPostgres } from "../../harness/postgres.ts";
import { table } from "../../harness/table.ts";
import { engines, newDatabase, newDatabaseUrl, openTestDatabase } from "../../harness/test-databases.ts";
import { waitFor } from "../../harness/wait-for.ts";

/** Renews a lease until the file is over, and reports whether it was lost. */
function keepAlive(database: Database, lease: Lease) {
  const kept = { lost: false };
  const heartbeat = createHeartbeat({ url: database.url, lease, log: silentLog, onLost: () => (kept.lost = true) });
  onCleanup(() => heartbeat.stop());
  return { heartbeat, kept };
}

describe.each(engines)("membership on %s", (engine) => {
  let database: Database;
  beforeEach(async () => {
    database = await newDatabase(engine);
  });

  it("begins with epoch 1 and shows the master to all", async () => {
    const { lease, evictions } = await join(database, { name: "web", roles: ["ui"], builderSets: ["linux"] });
    expect(lease).toMatchObject({ name: "web", epoch: 1 });
    expect(evictions).toEqual([]);
    await setState(database, lease, "running");
    expect(await listMasters(database)).toMatchObject([
      {
        name: "web",
        alive: true,
        buildbot: false,
        state: "running",
        roles: ["ui"],
        builderSets: ["linux"],
        epoch: 1,
        host: "host",
      },
    ]);
  });

  it("adds a number to a default name that live masters have, and reuses the name of one that left", async () => {
    const [one, two, three] = [await join(database), await join(database), await join(database)];
    expect([one, two, three].map((m) => m.lease.name)).toEqual(["host-engine", "host-engine-2", "host-engine-3"]);
    await leave(database, two.lease);
    const again = await join(database);
    expect(again.lease).toMatchObject({ name: "host-engine-2", epoch: 2, masterid: two.lease.masterid });
  });

  it("names each of several masters that join at the same time differently", async () => {
    const members = await Promise.all([1, 2, 3, 4].map(() => join(database)));
    expect(new Set(members.map((m) => m.lease.name)).size).toBe(4);
  });

  it("refuses an explicit name that a live master renews, naming the holder", async () => {
    const { lease } = await join(database, { name: "e1", leaseMs: 2000 });
    await keepAlive(database, lease).heartbeat.start();
    await expect(join(database, { name: "e1", leaseMs: 2000 })).rejects.toThrow(
      /"e1" \(host host, pid \d+, roles builder-engine\)/,
    );
  });

  it("lets the restart of a killed master have its explicit name once the lease has expired, in a new epoch", async () => {
    const { lease } = await join(database, { name: "e1", leaseMs: 700 });
    const restarted = await join(database, { name: "e1", leaseMs: 700 });
    expect(restarted.lease).toMatchObject({ masterid: lease.masterid, epoch: 2 });
    expect(restarted.evictions.map((eviction) => eviction.masterid)).toEqual([lease.masterid]);
    await expect(database.transaction((tx) => requireLease(tx, lease))).rejects.toThrow(LeaseLost);
    await fencedTransaction(database, restarted.lease, async () => {});
  });

  it("counts a real Buildbot master of that name as live while it beats", async () => {
    const row = {
      name: "bb:/base",
      name_hash: createHash("sha1").update("bb:/base").digest("hex"),
      active: 1,
      last_active: Math.floor(Date.now() / 1000),
    };
    await table(database, "masters").insert(row);
    await expect(join(database, { name: "bb:/base" })).rejects.toThrow(/a Buildbot master/);
    expect((await join(database, { defaultBase: "bb:/base" })).lease.name).toBe("bb:/base-2");
    expect((await listMasters(database))[0]).toMatchObject({ name: "bb:/base", buildbot: true, alive: true });
  });

  it("ends cleanly: the lease is over, and nothing can be written under it", async () => {
    const { lease } = await join(database);
    expect(await leave(database, lease)).toMatchObject({ masterid: lease.masterid });
    expect(await leave(database, lease)).toBeUndefined();
    await expect(fencedTransaction(database, lease, async () => {})).rejects.toThrow(LeaseLost);
    expect(await listMasters(database)).toMatchObject([{ alive: false, state: "stopped" }]);
  });
});

describe.each(engines)("a lease on %s", (engine) => {
  let database: Database;
  beforeEach(async () => {
    database = await newDatabase(engine);
  });

  it("is renewed from its own thread, also while the main thread is blocked for longer than the lease", async () => {
    const { lease } = await join(database, { leaseMs: 2000 });
    const { heartbeat, kept } = keepAlive(database, lease);
    await heartbeat.start();
    const before = await readLease(database, lease.masterid);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5000);
    const after = await readLease(database, lease.masterid);
    expect(after.live).toBe(1);
    expect(after.renewed_at - before.renewed_at).toBeGreaterThan(2);
    expect(heartbeat.ready?.()).toBe(true);
    await Promise.all([heartbeat.stop(), heartbeat.stop()]);
    expect(kept.lost).toBe(false);
  });

  it("that has expired, but is not evicted, is simply renewed, and its master may write", async () => {
    const { lease } = await join(database, { leaseMs: 2000 });
    await expire(database, lease);
    await fencedTransaction(database, lease, async () => {});
    await keepAlive(database, lease).heartbeat.start();
    expect((await readLease(database, lease.masterid)).live).toBe(1);
  });

  it("is lost when another master evicts its holder: the heartbeat reports it, and the fence refuses", async () => {
    const { lease } = await join(database, { leaseMs: 2000 });
    const evictor = await joinAsEvictor(database);
    const { heartbeat, kept } = keepAlive(database, lease);
    await heartbeat.start();
    await database.transaction(async (tx) => {
      await execute(tx, `update mm_leases set buried_at = ${tx.dialect.now} where masterid = ?`, [lease.masterid]);
    });
    await waitFor(() => kept.lost, { what: "the heartbeat to notice" });
    await expect(fencedTransaction(database, lease, async () => {})).rejects.toThrow(LeaseLost);
    await expect(setState(database, lease, "draining")).rejects.toThrow(LeaseLost);
    await fencedTransaction(database, evictor, async () => {});
  });

  it("that is alive is not evicted, nor is any other by a master that has only just joined or been cut off", async () => {
    const { lease } = await join(database);
    const evictor = await joinAsEvictor(database);
    expect(await evictDead(database, evictor)).toEqual([]);
    await expire(database, lease);
    const fresh = await join(database);
    expect(await evictDead(database, fresh.lease)).toEqual([]);
    await expire(database, evictor);
    expect(await evictDead(database, evictor)).toEqual([]);
  });

  it("that is renewed between being found dead and being evicted stays", async () => {
    const { lease } = await join(database);
    const evictor = await joinAsEvictor(database);
    await expire(database, lease);
    const renewsFirst: Database = {
      ...database,
      async transaction(fn) {
        const { now } = database.dialect;
        await execute(database, `update mm_leases set expires_at = ${now} + 60 where masterid = ?`, [lease.masterid]);
        return database.transaction(fn);
      },
    };
    expect(await evictDead(renewsFirst, evictor)).toEqual([]);
    await requireLease(database, lease);
    await expire(database, lease);
    expect(await evictDead(database, evictor)).toMatchObject([{ masterid: lease.masterid }]);
  });

  it("that expired in an outage is not evicted by a master whose own has not yet, but is not renewed either", async () => {
    const { lease } = await join(database, { leaseMs: 4000 });
    const evictor = await joinAsEvictor(database, { leaseMs: 4000 });
    await expire(database, lease);
    const { now } = database.dialect;
    // Both were renewed by turns until the database went away, 3.5 s ago for one and 4 s ago for the other.
    await execute(
      database,
      `update mm_leases set renewed_at = ${now} - 3.5, expires_at = ${now} + 0.5 where masterid = ?`,
      [evictor.masterid],
    );
    expect(await evictDead(database, evictor)).toEqual([]);
    await makeSteady(database, evictor);
    expect(await evictDead(database, evictor)).toMatchObject([{ masterid: lease.masterid }]);
  });

  it("late in being renewed makes its master wait before it may evict", async () => {
    const { lease } = await join(database);
    const evictor = await joinAsEvictor(database, { leaseMs: 60_000 });
    await expire(database, evictor);
    await keepAlive(database, evictor).heartbeat.start();
    await expire(database, lease);
    expect(await evictDead(database, evictor)).toEqual([]);
    await makeSteady(database, evictor);
    expect(await evictDead(database, evictor)).toMatchObject([{ masterid: lease.masterid }]);
  });

  it("is evicted once, however many masters try at the same time", async () => {
    const dead = [await join(database), await join(database), await join(database)];
    const evictors: Lease[] = [];
    for (let n = 0; n < 3; n++) evictors.push(await joinAsEvictor(database));
    for (const { lease } of dead) await expire(database, lease);
    const found: number[] = [];
    await waitFor(
      async () => {
        const rounds = await Promise.all(evictors.map((lease) => evictDead(database, lease)));
        found.push(...rounds.flat().map((eviction) => eviction.masterid));
        return found.length >= 3;
      },
      { what: "all three evictions" },
    );
    expect(found.sort()).toEqual(dead.map(({ lease }) => lease.masterid).sort());
  });

  it("evicts a Buildbot master that has been silent for ten minutes, once", async () => {
    await table(database, "masters").insert({
      name: "bb",
      name_hash: "bb",
      active: 1,
      last_active: Math.floor(Date.now() / 1000) - 700,
    });
    const evictor = await joinAsEvictor(database);
    expect(await evictDead(database, evictor)).toMatchObject([{ name: "bb" }]);
    expect(await evictDead(database, evictor)).toEqual([]);
  });
});

describe("a lease on postgresql", () => {
  it("is not evicted under an open transaction of its master, but as soon as that has ended", async () => {
    const database = await newDatabase("postgresql");
    const evictor = await joinAsEvictor(database);
    const { lease } = await join(database);
    await expire(database, lease);
    let proceed = () => {};
    const open = fencedTransaction(database, lease, () => new Promise<void>((resolve) => (proceed = resolve)));
    await waitFor(
      async () =>
        (
          await database.sql.run(
            "select 1 from pg_stat_activity where state = 'idle in transaction' and datname = current_database()",
          )
        ).rows.length > 0,
      {
        what: "the transaction to be open",
      },
    );
    expect(await evictDead(database, evictor)).toEqual([]);
    proceed();
    await open;
    expect(await evictDead(database, evictor)).toHaveLength(1);
  });

  it("survives a restart, a freeze and a long absence of the server: no one is evicted, everybody renews", async () => {
    const postgres = await startPostgres();
    const database = await openTestDatabase(await postgres.createDatabase());
    await upgradeDatabase(database);
    const leases = [(await join(database, { leaseMs: 1500 })).lease, (await join(database, { leaseMs: 1500 })).lease];
    const kept = leases.map((lease) => keepAlive(database, lease));
    for (const { heartbeat } of kept) await heartbeat.start();
    for (const lease of leases) await makeSteady(database, lease);

    await postgres.restart("immediate");
    postgres.freeze();
    await waitFor(() => kept.every(({ heartbeat }) => heartbeat.ready?.() !== true), {
      what: "the heartbeats to complain",
    });
    postgres.thaw();
    await postgres.kill();
    await waitFor(async () => kept.every(({ heartbeat }) => heartbeat.ready?.() !== true), {
      what: "the heartbeats to complain",
    });
    await new Promise((resolve) => setTimeout(resolve, 2000));
    await postgres.start();

    const evictions: unknown[] = [];
    await waitFor(
      async () => {
        for (const lease of leases) evictions.push(...(await evictDead(database, lease)));
        const rows = await Promise.all(leases.map((lease) => readLease(database, lease.masterid)));
        return rows.every((row) => row.live === 1) && kept.every(({ heartbeat }) => heartbeat.ready?.() === true);
      },
      { what: "both leases to be renewed again" },
    );
    expect(evictions).toEqual([]);
    expect(kept.map((one) => one.kept.lost)).toEqual([false, false]);
    for (const { heartbeat } of kept) await heartbeat.stop();
  });
});

describe("the only master of a SQLite file", () => {
  it("takes its own name again immediately after a kill", async () => {
    const database = await openTestDatabase(await newDatabaseUrl("sqlite"), true);
    await upgradeDatabase(database);
    const { lease } = await join(database);
    const restarted = await join(database);
    expect(restarted.lease).toMatchObject({ name: lease.name, masterid: lease.masterid, epoch: 2 });
    expect(restarted.evictions).toHaveLength(1);
  });
});
