import { hashColumns } from "@multimaster/database";
import { beforeEach, describe, expect, it } from "vitest";
import { type Member, startMasters, type TestMasters } from "../../harness/masters-with-data.ts";
import { engines } from "../../harness/test-databases.ts";

const change = { author: "dev <dev@example.org>", comments: "fix", repository: "r", branch: "main" };

describe.each(engines)("changes on %s", (engine) => {
  let masters: TestMasters;
  let one: Member;
  beforeEach(async () => {
    masters = await startMasters(engine);
    one = await masters.join();
  });

  it("are stored as Buildbot stores them and then published", async () => {
    const { changeid } = await one.updates.changes.add({
      ...change,
      committer: "c",
      revision: "abc",
      files: ["a", "é/b"],
      properties: { n: 1, s: "é" },
      whenTimestamp: 1_700_000_000,
    });
    const [row] = await masters.rows("select * from changes");
    expect(row).toMatchObject({
      changeid,
      committer: "c",
      category: null,
      revlink: "",
      codebase: "",
      when_timestamp: 1_700_000_000,
    });
    expect(await masters.rows("select property_name, property_value from change_properties order by 1")).toEqual([
      { property_name: "n", property_value: '[1, "Change"]' },
      { property_name: "s", property_value: '["\\u00e9", "Change"]' },
    ]);
    expect(await masters.value("select ss_hash from sourcestamps")).toBe(hashColumns("main", "abc", "r", "", "", null));
    await one.updates.close();
    expect(masters.messages).toMatchObject([
      {
        topic: `changes.${changeid}.new`,
        payload: { files: ["a", "é/b"], sourcestamp: { revision: "abc" }, properties: { n: [1, "Change"] } },
      },
    ]);
  });

  it("delivered twice, even at the same moment, are added once", async () => {
    const members = [one, await masters.join(), await masters.join(), await masters.join()];
    const added = await Promise.all(
      members.map((member) => member.updates.changes.add(change, { delivery: "d".repeat(300) })),
    );
    expect(added.filter((answer) => answer.added)).toHaveLength(1);
    expect(new Set(added.map((answer) => answer.changeid)).size).toBe(1);
    expect(await masters.takeTopics()).toHaveLength(1);
    expect((await one.updates.changes.add(change, { delivery: "other" })).added).toBe(true);
  });

  it("of the same source at the same moment share their source stamp", async () => {
    const members = [one, await masters.join(), await masters.join()];
    await Promise.all(Array.from({ length: 30 }, (_, i) => (members[i % 3] as Member).updates.changes.add(change)));
    expect(await masters.value("select count(*) as n from sourcestamps")).toBe(1);
    expect(await masters.value("select count(*) as n from changes")).toBe(30);
  });

  it("know the newest change of their line as parent; no branch is a line too", async () => {
    const a = (await one.updates.changes.add(change)).changeid;
    await one.updates.changes.add({ ...change, branch: "other" });
    const none = (await one.updates.changes.add({ ...change, branch: null })).changeid;
    const b = (await one.updates.changes.add(change)).changeid;
    const none2 = (await one.updates.changes.add({ ...change, branch: null })).changeid;
    const parent = (id: number) => masters.value("select parent_changeids from changes where changeid = ?", [id]);
    expect([await parent(a), await parent(b), await parent(none), await parent(none2)]).toEqual([null, a, null, none]);
  });

  it("that are too long, or hold what the database cannot, are fitted into its columns", async () => {
    const emoji = "😀".repeat(300);
    await one.updates.changes.add({
      author: emoji,
      comments: "a\0b\ud800c",
      revision: "r".repeat(300),
      branch: "b".repeat(300),
      revlink: "l".repeat(300),
      repository: "p".repeat(600),
      files: ["f".repeat(2000)],
      properties: { ["k".repeat(300)]: "a\0b" },
      whenTimestamp: 1e12,
    });
    const [row] = await masters.rows<{ author: string; comments: string }>("select author, comments from changes");
    expect(row).toEqual({ author: "😀".repeat(255), comments: "a\ufffdb\ufffdc" });
  });

  it("found by a poll are saved together with how far it got", async () => {
    const two = await masters.join();
    const id = (await one.updates.changeSources.register(["poller"])).get("poller") as number;
    const state = { object: "poller", className: "GitPoller", name: "lastRev" };
    expect(await one.updates.changeSources.claim(id)).toEqual({ kind: "claimed" });
    expect(await two.updates.changeSources.claim(id)).toEqual({ kind: "lost", holder: one.lease.masterid });
    expect(await two.updates.changeSources.addPolled(id, [change], { ...state, value: { main: "x" } })).toBe("lost");
    expect(await two.updates.changeSources.getState(state)).toBeUndefined();
    const ids = await one.updates.changeSources.addPolled(id, [change, change], { ...state, value: { main: "y" } });
    expect(ids).toHaveLength(2);
    expect(await two.updates.changeSources.getState(state)).toEqual({ main: "y" });
    expect(await masters.takeTopics()).toEqual((ids as number[]).map((changeid) => `changes.${changeid}.new`));
    await one.updates.changeSources.release(id);
    expect(await two.updates.changeSources.claim(id)).toEqual({ kind: "claimed" });
  });
});
