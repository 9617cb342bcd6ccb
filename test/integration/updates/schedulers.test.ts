import { type Clock, systemClock } from "@multimaster/core";
import { execute, insertChange } from "@multimaster/database";
import { beforeEach, describe, expect, it } from "vitest";
import {
  ageSeenChanges,
  buildsetFor,
  type Member,
  startMasters,
  type TestMasters,
} from "../../harness/masters-with-data.ts";
import { engines } from "../../harness/test-databases.ts";

const change = { author: "dev", comments: "fix", repository: "r", branch: "main" };

describe.each(engines)("schedulers on %s", (engine) => {
  let masters: TestMasters;
  let one: Member;
  let now = 0;
  const clock: Clock = { ...systemClock, now: () => now };
  beforeEach(async () => {
    now = Date.now();
    masters = await startMasters(engine, clock);
    one = await masters.join();
  });

  async function registered(member: Member, name = "main"): Promise<number> {
    const id = (await member.updates.schedulers.register([name])).get(name) as number;
    expect(await member.updates.schedulers.claim(id)).toEqual({ kind: "claimed" });
    return id;
  }
  const unseen = async (member: Member, id: number) =>
    (await member.updates.schedulers.unseenChanges(id, 1000)).map((c) => c.changeid);
  const important = (ids: readonly number[]) => ids.map((changeid) => ({ changeid, verdict: "important" as const }));

  it("the first schedulers of a fresh database read changes that were there before them", async () => {
    const { changeid } = await one.updates.changes.add(change);
    const id = await registered(one);
    expect(await unseen(one, id)).toEqual([changeid]);
  });

  it("a scheduler that is new beside others begins with the next change", async () => {
    await registered(one);
    await one.updates.changes.add(change);
    const id = await registered(one, "nightly");
    const { changeid } = await one.updates.changes.add(change);
    expect(await unseen(one, id)).toEqual([changeid]);
  });

  it("200 changes added from four masters at once are each in exactly one buildset", async () => {
    const members = [one, await masters.join(), await masters.join(), await masters.join()];
    const id = await registered(one);
    let adding = true;
    const adders = members.map(async (member, m) => {
      for (let n = 0; n < 50; n++) await member.updates.changes.add({ ...change, revision: `${m}-${n}` });
    });
    const submitted: number[] = [];
    const scheduler = (async () => {
      for (let idle = 0; idle < 2; ) {
        const seen = await unseen(one, id);
        await one.updates.schedulers.classify(id, important(seen));
        const ready = await one.updates.schedulers.classifiedChanges(id);
        const sets = ready.map(({ change: { changeid, sourcestamp } }) => ({
          buildset: { ...buildsetFor("runtests"), sourceStamps: [sourcestamp.ssid], scheduler: "main" },
          changeids: [changeid],
        }));
        if (sets.length > 0) expect(await one.updates.schedulers.submit(id, sets)).toHaveLength(sets.length);
        submitted.push(...ready.map((classified) => classified.change.changeid));
        idle = adding || ready.length > 0 ? 0 : idle + 1;
      }
    })();
    await Promise.all(adders);
    adding = false;
    await scheduler;
    expect(new Set(submitted).size).toBe(200);
    const built = await masters.rows<{ revision: string; n: number }>(
      "select s.revision, count(*) as n from buildset_sourcestamps b join sourcestamps s on s.id = b.sourcestampid group by s.revision",
    );
    expect(built).toHaveLength(200);
    expect(built.every((row) => row.n === 1)).toBe(true);
    expect(await masters.value("select count(*) as n from buildrequests")).toBe(200);
  });

  it("a change whose id commits after higher ones were seen is delivered", async () => {
    const id = await registered(one);
    const { changeid: first } = await one.updates.changes.add(change);
    const { changeid: late } = await one.updates.changes.add(change);
    const { changeid: last } = await one.updates.changes.add(change);
    // As if the transaction of the second had been open until now.
    await execute(masters.database, "update changes set parent_changeids = null");
    await execute(masters.database, "delete from changes where changeid = ?", [late]);
    await one.updates.schedulers.classify(id, important([first, last]));
    expect(await unseen(one, id)).toEqual([]);
    await execute(
      masters.database,
      `insert into changes (changeid, author, comments, when_timestamp, sourcestampid)
       select ?, author, comments, when_timestamp, sourcestampid from changes where changeid = ?`,
      [late, last],
    );
    expect(await unseen(one, id)).toEqual([late]);
  });

  // SQLite has one writer at a time, so there ids commit in their order.
  it.skipIf(engine === "sqlite")("a change whose transaction was slow is delivered when it commits", async () => {
    const two = await masters.join();
    const id = await registered(one);
    let commit = () => {};
    const committed = new Promise<void>((resolve) => (commit = resolve));
    let inserted = (_: number) => {};
    const slow = new Promise<number>((resolve) => (inserted = resolve));
    const row = { ...change, committer: null, revision: null, category: null, revlink: "", project: "", codebase: "" };
    const transaction = two.database.transaction(async (tx) => {
      inserted(await insertChange(tx, { ...row, files: [], properties: {}, whenTimestamp: 1, repository: "slow" }));
      await committed;
    });
    const late = await slow;
    const { changeid } = await one.updates.changes.add(change);
    expect(changeid).toBeGreaterThan(late);
    expect(await unseen(one, id)).toEqual([changeid]);
    await one.updates.schedulers.classify(id, important([changeid]));
    commit();
    await transaction;
    expect(await unseen(one, id)).toEqual([late]);
  });

  it("what was seen is forgotten after an hour, but a change that was not seen is never passed over", async () => {
    const id = await registered(one);
    const ids: number[] = [];
    for (let n = 0; n < 4; n++) ids.push((await one.updates.changes.add(change)).changeid);
    const [a, b, c, d] = ids as [number, number, number, number];
    await one.updates.schedulers.classify(id, important([a, b, d]));
    await one.updates.schedulers.submit(id, [{ buildset: buildsetFor("runtests"), changeids: [a] }]);
    await ageSeenChanges(masters.database, 3700);
    now += 3_700_000;
    await one.updates.schedulers.classify(id, []);
    expect(await masters.value("select floor from mm_scheduler_cursors where schedulerid = ?", [id])).toBe(b);
    // b is below the floor, but a timer still counts from the time it was seen.
    const seen = await masters.rows<{ changeid: number }>("select changeid from mm_scheduler_seen order by changeid");
    expect(seen.map((row) => row.changeid)).toEqual([b, d]);
    expect(await unseen(one, id)).toEqual([c]);
    const [oldest] = await one.updates.schedulers.classifiedChanges(id);
    expect(oldest?.ageSeconds).toBeGreaterThanOrEqual(3700);
  });

  it("a change that was classified twice, once after it was built, is not built again", async () => {
    const id = await registered(one);
    const { changeid } = await one.updates.changes.add(change);
    await one.updates.schedulers.classify(id, important([changeid]));
    await one.updates.schedulers.submit(id, [{ buildset: buildsetFor("runtests"), changeids: [changeid] }]);
    expect(await one.updates.schedulers.classify(id, important([changeid]))).toBe("done");
    expect(await one.updates.schedulers.classifiedChanges(id)).toEqual([]);
  });

  it("ignored changes are passed, unimportant ones wait, important ones are marked", async () => {
    const id = await registered(one);
    const ids: number[] = [];
    for (let n = 0; n < 3; n++) ids.push((await one.updates.changes.add(change)).changeid);
    await one.updates.schedulers.classify(id, [
      { changeid: ids[0] as number, verdict: "ignored" },
      { changeid: ids[1] as number, verdict: "unimportant" },
      { changeid: ids[2] as number, verdict: "important" },
    ]);
    expect(await unseen(one, id)).toEqual([]);
    const classified = await one.updates.schedulers.classifiedChanges(id);
    expect(classified.map((c) => [c.change.changeid, c.important])).toEqual([
      [ids[1], false],
      [ids[2], true],
    ]);
  });

  it("a submission under a claim that another master has writes nothing", async () => {
    const id = await registered(one);
    const two = await masters.join();
    const { changeid } = await one.updates.changes.add(change);
    await one.updates.schedulers.classify(id, important([changeid]));
    await one.updates.schedulers.release(id);
    expect(await two.updates.schedulers.claim(id)).toEqual({ kind: "claimed" });
    const state = { object: "main", className: "Nightly", name: "last_build", value: 1 };
    expect(
      await one.updates.schedulers.submit(id, [{ buildset: buildsetFor("runtests"), changeids: [changeid] }], state),
    ).toBe("lost");
    expect(await one.updates.schedulers.classify(id, important([changeid]))).toBe("lost");
    expect(await masters.value("select count(*) as n from buildsets")).toBe(0);
    expect(await one.updates.schedulers.getState(state)).toBeUndefined();
    expect(await two.updates.schedulers.classifiedChanges(id)).toHaveLength(1);
  });

  it("a submission repeated after a lost answer writes nothing the second time, and nothing in part", async () => {
    const id = await registered(one);
    const { changeid: a } = await one.updates.changes.add(change);
    const { changeid: b } = await one.updates.changes.add(change);
    await one.updates.schedulers.classify(id, important([a, b]));
    const first = [{ buildset: buildsetFor("runtests"), changeids: [b] }];
    expect(await one.updates.schedulers.submit(id, first)).toHaveLength(1);
    const both = [{ buildset: buildsetFor("runtests"), changeids: [a] }, ...first];
    expect(await one.updates.schedulers.submit(id, both)).toBe("lost");
    expect(await masters.value("select count(*) as n from buildsets")).toBe(1);
    expect((await one.updates.schedulers.classifiedChanges(id)).map((c) => c.change.changeid)).toEqual([a]);
  });

  it("a buildset that cannot be written whole is not written at all", async () => {
    const id = await registered(one);
    const state = { object: "main", className: "Nightly", name: "last_build", value: 1 };
    const bad = { ...buildsetFor("runtests"), builders: ["runtests", 4711] };
    await expect(one.updates.schedulers.submit(id, [{ buildset: bad, changeids: [] }], state)).rejects.toThrow(
      "no builder 4711",
    );
    for (const table of ["buildsets", "buildrequests", "object_state"]) {
      expect(await masters.value(`select count(*) as n from ${table}`)).toBe(0);
    }
  });

  it("saves state with the buildset and publishes the buildset", async () => {
    const id = await registered(one);
    const state = { object: "main", className: "Nightly", name: "last_build" };
    await masters.takeTopics();
    const sets = [{ buildset: { ...buildsetFor("runtests"), scheduler: "main" }, changeids: [] }];
    await one.updates.schedulers.submit(id, sets, { ...state, value: { at: [1.5, "é"] } });
    expect(await one.updates.schedulers.getState(state)).toEqual({ at: [1.5, "é"] });
    expect(await masters.value("select value_json from object_state")).toBe('{"at": [1.5, "\\u00e9"]}');
    await one.updates.close();
    const announced = masters.messages.find((message) => message.topic === "buildsets.1.new");
    expect(announced?.payload).toMatchObject({ scheduler: "main", results: null, complete: false });
    expect(await masters.takeTopics()).toEqual([
      "buildsets.1.new",
      "buildsets.1.builders.1.buildrequests.1.new",
      "buildrequests.1.new",
      "builders.1.buildrequests.1.new",
    ]);
  });

  it("are enabled until a user disables them, and keep the form they show", async () => {
    const id = await registered(one);
    expect(await one.updates.schedulers.isEnabled(id)).toBe(true);
    await one.updates.schedulers.setEnabled(id, false);
    expect(await one.updates.schedulers.isEnabled(id)).toBe(false);
    const { publish } = one.updates.schedulers;
    await publish(id, { kind: "form", form: { name: "force" } });
    await publish(id, { kind: "form", form: { name: "force", label: "again" } });
    const form = '{"name": "force", "label": "again"}';
    expect(await masters.value("select form from mm_published_schedulers")).toBe(form);
    expect(await masters.value("select spec from mm_force_schedulers"), "for earlier releases").toBe(form);
    await publish(id, { kind: "changes" });
    expect(await masters.rows("select form from mm_published_schedulers")).toEqual([{ form: null }]);
    expect(await masters.rows("select spec from mm_force_schedulers"), "a kind that it had before").toEqual([]);
  });
});
