import type { AddedBuildset } from "@multimaster/data";
import { execute, raiseBuildsetFloor } from "@multimaster/database";
import { beforeEach, describe, expect, it } from "vitest";
import { buildsetFor, type Member, startMasters, type TestMasters } from "../../harness/masters-with-data.ts";
import { engines } from "../../harness/test-databases.ts";

const change = { author: "dev", comments: "fix", repository: "r", branch: "main" };

describe.each(engines)("slots of schedulers on %s", (engine) => {
  let masters: TestMasters;
  let one: Member;
  let id: number;
  beforeEach(async () => {
    masters = await startMasters(engine);
    one = await masters.join();
    id = (await one.updates.schedulers.register(["nightly"])).get("nightly") as number;
    await one.updates.schedulers.claim(id);
  });

  const submission = { buildset: { ...buildsetFor("runtests"), scheduler: "nightly" }, changeids: [] };
  const built = (slot: number) => ({ kind: "time" as const, slot, outcome: "built" as const, passed: 0, submission });
  const open = async (member: Member, spec: string) => {
    const start = await member.updates.schedulers.openSlots(id, spec);
    if (start === "lost") throw new Error("lost");
    return start;
  };

  it("a slot is decided once, with its buildset, however often and by whom it is tried", async () => {
    const two = await masters.join();
    const { decideSlot } = one.updates.schedulers;
    const state = { object: "nightly", className: "Nightly", name: "last_build" };
    const tries = await Promise.all(
      [1, 2, 3].map((value) => decideSlot(id, { ...built(100), states: [{ ...state, value }] })),
    );
    expect(tries.filter((end) => end === "taken")).toHaveLength(2);
    expect(await decideSlot(id, built(160))).toMatchObject({ bsid: 2 });
    await one.updates.schedulers.release(id);
    await two.updates.schedulers.claim(id);
    expect(await decideSlot(id, built(220)), "of another master").toBe("lost");
    expect(await two.updates.schedulers.decideSlot(id, { ...built(160), outcome: "missed" })).toBe("taken");
    expect(await two.updates.schedulers.decideSlot(id, { ...built(220), submission: undefined })).toBe("decided");
    expect(await masters.value("select count(*) as n from buildsets")).toBe(2);
    expect(await masters.rows("select slot, buildsetid from mm_scheduler_slots order by slot")).toEqual([
      { slot: 100, buildsetid: 1 },
      { slot: 160, buildsetid: 2 },
      { slot: 220, buildsetid: null },
    ]);
    expect(await two.updates.schedulers.getState(state)).toBe(tries.findIndex((end) => end !== "taken") + 1);
  });

  it("a slot whose buildset cannot be written is not decided, and its changes stay", async () => {
    const { changeid } = await one.updates.changes.add(change);
    await one.updates.schedulers.classify(id, [{ changeid, verdict: "important" }]);
    const bad = { buildset: { ...submission.buildset, builders: [4711] }, changeids: [changeid] };
    await expect(one.updates.schedulers.decideSlot(id, { ...built(100), submission: bad })).rejects.toThrow(
      "no builder",
    );
    expect(await masters.value("select count(*) as n from mm_scheduler_slots")).toBe(0);
    expect(await one.updates.schedulers.classifiedChanges(id)).toHaveLength(1);
    await one.updates.schedulers.decideSlot(id, {
      ...built(100),
      submission: { ...submission, changeids: [changeid] },
    });
    expect(await one.updates.schedulers.classifiedChanges(id)).toEqual([]);
  });

  it("slots are counted since the scheduler first ran, by the database's clock, whichever master asks", async () => {
    const first = await open(one, "daily");
    expect(first.last).toBeNull();
    await one.updates.schedulers.decideSlot(id, built(Math.floor(first.since)));
    await one.updates.schedulers.release(id);
    const two = await masters.join();
    await two.updates.schedulers.claim(id);
    expect(await open(two, "daily")).toMatchObject({ since: first.since, last: Math.floor(first.since) });
    expect(await one.updates.schedulers.openSlots(id, "daily")).toBe("lost");
    expect((await open(two, "hourly")).since, "with another timetable").toBeGreaterThan(first.since);
  });

  it("what would have run while the scheduler was disabled passes", async () => {
    await open(one, "daily");
    await execute(masters.database, "update mm_scheduler_starts set since_at = 1000");
    await one.updates.schedulers.setEnabled(id, true);
    expect((await open(one, "daily")).since, "it was enabled").toBe(1000);
    await one.updates.schedulers.setEnabled(id, false);
    await one.updates.schedulers.setEnabled(id, true);
    expect((await open(one, "daily")).since).toBeGreaterThan(1000);
  });

  it("old slots are deleted, never the newest", async () => {
    for (let slot = 1; slot <= 110; slot++)
      await one.updates.schedulers.decideSlot(id, { ...built(slot), submission: undefined, outcome: "unchanged" });
    expect(await masters.rows("select min(slot) as low, max(slot) as high from mm_scheduler_slots")).toEqual([
      { low: 11, high: 110 },
    ]);
  });

  it("a buildset whose request has collapsed counts once the request that builds it has succeeded", async () => {
    await execute(masters.database, "update mm_data_version set version = 2");
    await open(one, "smoke");
    const add = (name: string) =>
      one.updates.buildsets.add({
        ...buildsetFor("runtests"),
        properties: { scheduler: [name, "Scheduler"] },
        scheduler: name,
      });
    const end = async ({ bsid, requests }: AddedBuildset, results: number) => {
      const id = Object.values(requests)[0];
      await execute(masters.database, "update buildrequests set complete = 1, results = ? where id = ?", [results, id]);
      await execute(
        masters.database,
        "update buildsets set complete = 1, complete_at = 1000, results = ? where id = ?",
        [results, bsid],
      );
    };
    const found = async () =>
      (await one.updates.schedulers.undecidedBuildsets(id, ["smoke"], 0)).map(({ bsid }) => bsid);
    const collapse = async (into: string) => {
      const [older, newer] = [await add("smoke"), await add(into)];
      const [[collapsed = 0], [survivor = 0]] = [Object.values(older.requests), Object.values(newer.requests)];
      expect(await one.updates.collapsing.collapse({ survivor, collapsed: [collapsed] })).toHaveLength(1);
      await execute(masters.database, "update buildsets set complete_at = 1000 where id = ?", [older.bsid]);
      return { older, newer };
    };

    const bad = await collapse("other");
    await end(bad.newer, 2);
    const good = await collapse("other");
    expect(await found(), "it is not built yet").toEqual([]);
    await masters.database.transaction((tx) => raiseBuildsetFloor(tx, id, ["smoke"]));
    await end(good.newer, 0);
    expect(await found()).toEqual([good.older.bsid]);
    const own = await collapse("smoke");
    await end(own.newer, 0);
    expect(await found(), "its survivor counts instead").toEqual([good.older.bsid, own.newer.bsid]);
  });

  it("a buildset of another scheduler is found when it has succeeded, whenever that is, until it is decided", async () => {
    const smoke = (await one.updates.schedulers.register(["smoke"])).get("smoke") as number;
    await one.updates.schedulers.claim(smoke);
    const add = async (name = "smoke") => {
      const properties = { scheduler: [name, "Scheduler"] as const };
      const added = await one.updates.schedulers.submit(smoke, [
        { buildset: { ...buildsetFor("runtests"), properties, scheduler: name }, changeids: [] },
      ]);
      return (added as { bsid: number }[])[0]?.bsid as number;
    };
    const end = (bsid: number, results: number) =>
      execute(masters.database, "update buildsets set complete = 1, results = ?, complete_at = 1000 where id = ?", [
        results,
        bsid,
      ]);
    const found = async () =>
      (await one.updates.schedulers.undecidedBuildsets(id, ["smoke"], 0)).map(({ bsid }) => bsid);

    await end(await add(), 0);
    await open(one, "smoke");
    expect(await found(), "from before it followed").toEqual([]);
    const [slow, good, bad, warned, others] = [await add(), await add(), await add(), await add(), await add("else")];
    await end(good, 0);
    await end(bad, 2);
    await end(warned, 1);
    await end(others, 0);
    expect(await found()).toEqual([good, warned]);
    const [first] = await one.updates.schedulers.undecidedBuildsets(id, ["smoke"], 0);
    expect(first?.sourceStamps).toMatchObject([{ ssid: 1, codebase: "" }]);
    for (const slot of [good, warned]) {
      await one.updates.schedulers.decideSlot(id, { ...built(slot), kind: "buildset" });
      expect(await one.updates.schedulers.decideSlot(id, { ...built(slot), kind: "buildset" })).toBe("taken");
    }
    expect(await found()).toEqual([]);

    // What is decided is forgotten up to what is open, and no further.
    await masters.database.transaction((tx) => raiseBuildsetFloor(tx, id, ["smoke"]));
    expect(await masters.value("select count(*) as n from mm_scheduler_slots")).toBe(2);
    await end(slow, 0);
    await masters.database.transaction((tx) => raiseBuildsetFloor(tx, id, ["smoke"]));
    expect(await found()).toEqual([slow]);
    await one.updates.schedulers.decideSlot(id, { ...built(slow), kind: "buildset" });
    await execute(masters.database, "update buildsets set complete = 1, complete_at = 1000");
    await masters.database.transaction((tx) => raiseBuildsetFloor(tx, id, ["smoke"]));
    expect(await found()).toEqual([]);
    expect(await masters.value("select count(*) as n from mm_scheduler_slots")).toBe(0);
  });
});
