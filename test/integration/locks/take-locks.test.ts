import type { Lease } from "@multimaster/cluster";
import type { LockUse, Updates } from "@multimaster/data";
import { type Database, execute, queryRows } from "@multimaster/database";
import { beforeEach, describe, expect, it } from "vitest";
import { addRequests, addRunningBuild, evictDead, expire, join, joinAsEvictor } from "../../harness/members.ts";
import { createSeededRandom } from "../../harness/seeded-random.ts";
import { engines, newDatabase } from "../../harness/test-databases.ts";
import { updatesOf } from "../../harness/updates-of.ts";

const use = (name: string, kind: "alone" | number, more: Partial<LockUse> = {}): LockUse => ({
  name,
  workerid: 0,
  max: 3,
  exclusive: kind === "alone",
  count: kind === "alone" ? 1 : kind,
  resources: [],
  keepMs: 600_000,
  ...more,
});

describe.each(engines)("locks on %s", (engine) => {
  let database: Database;
  let one: Lease;
  let two: Lease;
  let atOne: Updates;
  let atTwo: Updates;
  beforeEach(async () => {
    database = await newDatabase(engine);
    one = await joinAsEvictor(database);
    two = await joinAsEvictor(database);
    atOne = updatesOf(database, one);
    atTwo = updatesOf(database, two);
  });

  const claim = async (updates: Updates, buildrequestid: number, ...uses: LockUse[]) =>
    (await updates.locks.claim([{ buildrequestid, uses }]))[0]?.kind;
  const end = (id: number) => execute(database, "update buildrequests set complete = 1 where id = ?", [id]);
  const holders = async () =>
    (await queryRows<{ id: number }>(database, "select buildrequestid as id from mm_lock_holds order by holdid")).map(
      ({ id }) => id,
    );

  it("go to one at a time, and keep a request whose lock is taken pending", async () => {
    const [a, b] = (await addRequests(database, 2)) as [number, number];
    expect(await claim(atOne, a, use("db", "alone"))).toBe("taken");
    expect(await claim(atTwo, b, use("db", 1))).toBe("waits");
    expect(await atTwo.buildrequests.claimedByMe([a, b])).toEqual([]);
    await end(a);
    expect(await claim(atTwo, b, use("db", 1))).toBe("taken");
    expect(await holders()).toEqual([b]);
  });

  it("are not taken for a request that another master has", async () => {
    const [a, b] = (await addRequests(database, 2)) as [number, number];
    await atOne.buildrequests.claim([a]);
    expect(await claim(atTwo, a, use("db", "alone"))).toBe("lost");
    expect(await claim(atTwo, b, use("db", "alone"))).toBe("taken");
  });

  it("are not taken by who is behind, whichever engine asks, and are when the one before withdraws", async () => {
    const [a, b, c] = (await addRequests(database, 3)) as [number, number, number];
    expect(await claim(atOne, a, use("db", 1))).toBe("taken");
    expect(await claim(atTwo, b, use("db", "alone"))).toBe("waits");
    expect(await claim(atOne, c, use("db", 1))).toBe("waits");
    await execute(database, "update buildrequests set priority = 9 where id = ?", [c]);
    expect(await claim(atOne, c, use("db", 1))).toBe("taken");
    await atTwo.locks.withdraw([{ buildrequestid: b, stepid: 0 }]);
    const [d] = (await addRequests(database, 1)) as [number];
    expect(await claim(atOne, d, use("db", 1))).toBe("taken");
  });

  it("are free in the moment in which their master is evicted, also by a master that does not know them", async () => {
    const [a, b] = (await addRequests(database, 2)) as [number, number];
    const { lease: dead } = await join(database);
    const atDead = updatesOf(database, dead);
    expect(await claim(atDead, a, use("db", "alone"))).toBe("taken");
    expect(await claim(atTwo, b, use("db", "alone"))).toBe("waits");
    await expire(database, dead);
    // Nobody has evicted it: it may still write.
    expect(await claim(atTwo, b, use("db", "alone"))).toBe("waits");
    const [eviction] = await evictDead(database, one);
    expect(eviction?.outcomes.released.lock).toHaveLength(1);
    expect(await claim(atTwo, b, use("db", "alone"))).toBe("taken");
    await expect(claim(atDead, a, use("db", "alone"))).rejects.toThrow("is lost");
    const step = { buildrequestid: a, stepid: 1, uses: [use("other", "alone")], hasWaited: false };
    await expect(atDead.locks.takeForSteps([step])).rejects.toThrow("is lost");
  });

  it("count only for the incarnation that took them", async () => {
    const [a, b] = (await addRequests(database, 2)) as [number, number];
    expect(await claim(atOne, a, use("db", "alone"))).toBe("taken");
    await execute(database, "update mm_leases set epoch = epoch + 1 where masterid = ?", [one.masterid]);
    expect(await claim(atTwo, b, use("db", "alone"))).toBe("taken");
  });

  it("give each holder a resource of its own", async () => {
    const ids = await addRequests(database, 3);
    const board = use("board", 1, { max: 2, resources: ["b1", "b2"] });
    const got = await Promise.all(
      ids.map(async (buildrequestid, i) => {
        const [answer] = await (i % 2 ? atOne : atTwo).locks.claim([{ buildrequestid, uses: [board] }]);
        return answer?.kind === "taken" ? answer.locks[0]?.resource : answer?.kind;
      }),
    );
    expect(got.sort()).toEqual(["b1", "b2", "waits"]);
  });

  it("are separate for each worker, where they are locks of workers", async () => {
    const [a, b, c] = (await addRequests(database, 3)) as [number, number, number];
    expect(await claim(atOne, a, use("disk", "alone", { workerid: 1 }))).toBe("taken");
    expect(await claim(atOne, b, use("disk", "alone", { workerid: 2 }))).toBe("taken");
    expect(await claim(atOne, c, use("disk", "alone", { workerid: 1 }))).toBe("waits");
  });

  it("of a running step make it wait, with its state and its time", async () => {
    const [a, b] = (await addRequests(database, 2)) as [number, number];
    expect(await claim(atOne, a, use("db", "alone"))).toBe("taken");
    expect(await claim(atTwo, b)).toBe("taken");
    const { buildid, stepid } = await addRunningBuild(database, two, b);
    const wish = { buildrequestid: b, stepid, uses: [use("db", 1)] };
    const step = async () => (await queryRows(database, "select * from steps where id = ?", [stepid]))[0];
    expect((await atTwo.locks.takeForSteps([{ ...wish, hasWaited: false }]))[0]?.kind).toBe("waits");
    expect(await step()).toMatchObject({ state_string: "waiting for lock db", locks_acquired_at: null });
    await end(a);
    const again = await atTwo.locks.takeForSteps([{ ...wish, hasWaited: true }]);
    expect(again[0]?.kind).toBe("taken");
    // The answer was lost.
    expect(await atTwo.locks.takeForSteps([{ ...wish, hasWaited: true }])).toEqual(again);
    const [build] = await queryRows<{ waited: number }>(
      database,
      "select locks_duration_s as waited from builds where id = ?",
      [buildid],
    );
    expect(build?.waited).toBeGreaterThan(1000);
  });

  it("are counted for a step that asks for more than its build has", async () => {
    const [a, b] = (await addRequests(database, 2)) as [number, number];
    expect(await claim(atOne, a, use("pool", 1))).toBe("taken");
    const { stepid } = await addRunningBuild(database, one, a);
    const step = { buildrequestid: a, stepid, uses: [use("pool", 2)], hasWaited: false };
    expect((await atOne.locks.takeForSteps([step]))[0]?.kind).toBe("taken");
    expect(await claim(atTwo, b, use("pool", 2))).toBe("waits");
  });

  it("are free when an operator breaks them, and the next waiter has them", async () => {
    const [a, b] = (await addRequests(database, 2)) as [number, number];
    const [answer] = await atOne.locks.claim([{ buildrequestid: a, uses: [use("db", "alone")] }]);
    const holdid = answer?.kind === "taken" ? (answer.locks[0]?.holdid as number) : 0;
    const recorded: string[] = [];
    const trail = async () => void recorded.push("broken");
    expect(await atTwo.locks.break(holdid, trail)).toBe("done");
    expect(await atTwo.locks.break(holdid, trail)).toBe("unknown");
    expect(recorded).toEqual(["broken"]);
    expect(await claim(atTwo, b, use("db", "alone"))).toBe("taken");
  });

  it("are never held by too many, whatever four masters do at the same time", async () => {
    const masters = [atOne, atTwo];
    for (let n = 0; n < 2; n++) masters.push(updatesOf(database, (await join(database)).lease));
    const ids = await addRequests(database, 60);
    const random = createSeededRandom("locks");
    const wants = ids.map((buildrequestid) => ({
      buildrequestid,
      // In different orders: who takes several never waits in a circle.
      uses: ["x", "y", "z"]
        .filter(() => random.below(3) > 0)
        .sort(() => random.below(3) - 1)
        .map((name) => use(name, random.below(4) === 0 ? "alone" : 1 + random.below(3))),
    }));
    const ledger = new Map<string, { alone: number; count: number }>();
    const note = (uses: readonly LockUse[], by: 1 | -1) => {
      for (const { name, exclusive, count } of uses) {
        const load = ledger.get(name) ?? { alone: 0, count: 0 };
        if (exclusive) load.alone += by;
        else load.count += by * count;
        ledger.set(name, load);
        if (by === 1) expect(load.alone === 0 ? load.count <= 3 : load.alone === 1 && load.count === 0).toBe(true);
      }
    };
    const open = new Set(wants);
    const begun: number[] = [];
    await Promise.all(
      masters.map(async (updates) => {
        while (open.size > 0)
          for (const want of [...open].slice(0, 8)) {
            // SQLite answers without ever giving timers a turn.
            await new Promise(setImmediate);
            const [answer] = await updates.locks.claim([want]);
            if (answer?.kind !== "taken") continue;
            open.delete(want);
            begun.push(want.buildrequestid);
            note(want.uses, 1);
            await new Promise((resolve) => setTimeout(resolve, 2));
            note(want.uses, -1);
            await end(want.buildrequestid);
          }
      }),
    );
    expect(begun.sort((x, y) => x - y)).toEqual(ids);
  });
});
