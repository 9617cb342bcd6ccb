import { type AuditOptions, auditChecks, auditDatabase, auditRows } from "@multimaster/data";
import { type Connection, execute } from "@multimaster/database";
import { beforeAll, describe, expect, it } from "vitest";
import { engines, newDatabase } from "../../harness/test-databases.ts";
import { damages } from "./damages.ts";
import { letAnHourPass, makeWorld, type World } from "./world.ts";

it("there is a damage for every check", () => {
  expect(Object.keys(damages)).toEqual(auditChecks.map(({ id }) => id));
});

describe.each(engines)("the audit on %s", (engine) => {
  let world: World;
  const foundAtWork: unknown[] = [];
  beforeAll(async () => {
    world = await makeWorld(engine, async ({ database }) => {
      foundAtWork.push(...(await auditDatabase(database)).findings);
    });
  });

  /** What the audit finds after a change of the rows, which is then undone. */
  async function findAfter(act: (tx: Connection) => Promise<unknown>, options?: AuditOptions) {
    class Undo extends Error {}
    let found: (readonly [string, unknown[]])[] = [];
    await world.masters.database
      .transaction(async (tx) => {
        await letAnHourPass(tx);
        await act(tx);
        const { findings } = await auditRows(tx, options);
        found = findings.map(({ check, ids }) => [check, ids] as const);
        throw new Undo();
      })
      .catch((error: unknown) => {
        if (!(error instanceof Undo)) throw error;
      });
    return found;
  }

  it("finds nothing in an empty cluster", async () => {
    expect((await auditDatabase(await newDatabase(engine))).findings).toEqual([]);
  });

  it("finds nothing after any act of a master", () => {
    expect(foundAtWork).toEqual([]);
  });

  it("finds nothing in a cluster that has been working for an hour", async () => {
    expect(await findAfter(async () => {})).toEqual([]);
  });

  it.each(Object.keys(damages))("finds %s, and nothing else", async (id) => {
    const damage = damages[id];
    expect(await findAfter(async (tx) => damage?.do(tx, world))).toEqual([[id, damage?.ids(world)]]);
  });

  it("leaves what a dead master has to its eviction", async () => {
    const died = async (tx: Connection) => {
      const { now } = tx.dialect;
      await execute(tx, `update mm_leases set renewed_at = ${now} - 70, expires_at = ${now} - 10 where masterid = ?`, [
        world.engine.lease.masterid,
      ]);
    };
    expect(await findAfter(died)).toEqual([]);
  });

  it("waits until masters that come back after an outage of the database could evict", async () => {
    const cameBack = async (tx: Connection) => {
      const { now } = tx.dialect;
      await execute(tx, `update mm_leases set renewed_at = ${now} - 3000, expires_at = ${now} - 2940`);
      await execute(
        tx,
        `update mm_leases set renewed_at = ${now}, expires_at = ${now} + 60, steady_since = ${now} where masterid = ?`,
        [world.idle.lease.masterid],
      );
    };
    expect(await findAfter(cameBack)).toEqual([]);
  });

  it("finds dead masters when no live master can evict them", async () => {
    const died = async (tx: Connection) =>
      execute(tx, `update mm_leases set lease_s = 0.1, expires_at = ${tx.dialect.now} - 3600 where buried_at is null`);
    // The database has to have been there for two leases and the grace time.
    expect((await findAfter(died, { graceSeconds: 0 })).map(([check]) => check)).toEqual(["lease-not-buried"]);
    expect(await findAfter(died, { graceSeconds: 7200 })).toEqual([]);
  });

  it("takes a Buildbot master without a lease for what its row says", async () => {
    const act = (age: number, active: number) => async (tx: Connection) => {
      const { nowSeconds } = tx.dialect;
      await execute(
        tx,
        `insert into masters (id, name, name_hash, active, last_active) values (99, 'bb', 'bb', ?, ${nowSeconds} - ?)`,
        [active, age],
      );
      await execute(tx, "update builds set masterid = 99 where id = ?", [world.running.build]);
      await execute(tx, "update buildrequest_claims set masterid = 99 where brid = ?", [world.running.request]);
      // Buildbot lets a worker be connected to several masters.
      await execute(tx, "insert into connected_workers (workerid, masterid) values (?, 99)", [world.workers.attached]);
    };
    expect(await findAfter(act(60, 1))).toEqual([]);
    expect(await findAfter(act(610, 1))).toEqual([]);
    expect(await findAfter(act(10, 0))).toEqual([]);
    expect(await findAfter(act(3600, 1))).toEqual([["lease-not-buried", [99]]]);
    expect((await findAfter(act(3600, 0))).map(([check]) => check)).toEqual([
      "claim-of-gone-master",
      "build-of-gone-master",
      "worker-of-gone-master",
    ]);
  });

  it("does not miss a change by its own old time, nor report one that has just come", async () => {
    const forget = (more: string) => async (tx: Connection) => {
      await execute(tx, "delete from mm_scheduler_seen where changeid = ?", [world.changeid + 1]);
      await execute(tx, more);
    };
    const id = world.changeid + 1;
    expect(await findAfter(forget("update changes set when_timestamp = 1"))).toEqual([["change-unseen", [id]]]);
    expect(
      await findAfter(async (tx) => forget(`update sourcestamps set created_at = ${tx.dialect.nowSeconds}`)(tx)),
    ).toEqual([]);
    // While no one runs the schedulers, changes wait.
    expect(await findAfter(forget("delete from scheduler_masters"))).toEqual([]);
  });

  it("checks history within a window, and new rows after a grace period", async () => {
    const twice = damages["request-run-twice"];
    const claimed = damages["claim-without-build"];
    expect(await findAfter(async (tx) => twice?.do(tx, world), { windowSeconds: 60 })).toEqual([]);
    expect(await findAfter(async (tx) => twice?.do(tx, world), { windowSeconds: 7200 })).toHaveLength(1);
    expect(await findAfter(async (tx) => claimed?.do(tx, world), { graceSeconds: 7200 })).toEqual([]);
  });

  it("makes only the checks asked for, and says which there are", async () => {
    const both = async (tx: Connection) => {
      await damages["log-with-gap"]?.do(tx, world);
      await damages["build-numbers-gap"]?.do(tx, world);
    };
    expect(await findAfter(both, { only: ["log-with-gap", "log-of-ended-step"] })).toEqual([
      ["log-with-gap", [world.finished.log]],
    ]);
    await expect(auditDatabase(world.masters.database, { only: ["nonsense"] })).rejects.toThrow(
      'There is no check "nonsense" (have: claim-of-gone-master, ',
    );
  });

  it("reports the first ids and how many there are", async () => {
    const database = await newDatabase(engine);
    await execute(database, "insert into sourcestamps (ss_hash, created_at) values ('a', 1)");
    for (let n = 0; n < 12; n++)
      await execute(database, "insert into buildsets (submitted_at, complete) values (1, 0)");
    const { findings } = await auditDatabase(database, { maxIds: 3 });
    expect(findings).toMatchObject([
      {
        check: "buildset-not-complete",
        sentence: "12 buildsets are open although all of their build requests are complete.",
        total: 12,
        ids: [1, 2, 3],
      },
    ]);
  });
});
