import { LeaseLost } from "@multimaster/cluster";
import { Results } from "@multimaster/core";
import { explainRequests, type NewBuildset, type NewSourceStamp } from "@multimaster/data";
import { type Connection, execute, queryRows } from "@multimaster/database";
import { beforeAll, describe, expect, it } from "vitest";
import {
  aWorker,
  buildsetFor,
  type Member,
  stamp,
  startMasters,
  type TestMasters,
} from "../../harness/masters-with-data.ts";
import { type Engine, engines } from "../../harness/test-databases.ts";
import { waitFor } from "../../harness/wait-for.ts";

describe.each(engines)("collapsing on %s", (engine: Engine) => {
  let masters: TestMasters;
  let one: Member;
  let two: Member;
  beforeAll(async () => {
    masters = await startMasters(engine);
    await setDataVersion(2);
    [one, two] = [await masters.join(), await masters.join()];
  });

  const setDataVersion = (version: number) =>
    execute(masters.database, "update mm_data_version set version = ?", [version]);
  const add = async (buildset: Partial<NewBuildset> = {}) => {
    const { requests } = await one.updates.buildsets.add({ ...buildsetFor("a"), ...buildset });
    return Object.values(requests)[0] as number;
  };
  let commits = 0;
  /** A request for a new change. */
  const addChange = async (buildset: Partial<NewBuildset> = {}) => {
    commits += 1;
    const change = { author: "ann", comments: "", ...stamp, revision: `r${commits}` };
    const { changeid } = await one.updates.changes.add(change);
    const id = await add({ sourceStamps: [{ ...stamp, revision: change.revision }], ...buildset });
    return { id, changeid };
  };
  const stateOf = async (id: number) => {
    const [row] = await masters.rows<{ complete: number; results: number; masterid: number | null }>(
      "select r.complete, r.results, c.masterid from buildrequests r left join buildrequest_claims c on c.brid = r.id where r.id = ?",
      [id],
    );
    return row;
  };
  const areCompatible = async (a: number, b: number) => {
    const keys = await one.updates.collapsing.keys([a, b]);
    expect(keys.size).toBe(2);
    return keys.get(a) !== null && keys.get(a) === keys.get(b);
  };

  it("ends the older requests as SKIPPED, and the survivor builds all their changes from the best place in the queue", async () => {
    const [a, b, c] = [await addChange({ priority: 7 }), await addChange(), await addChange()];
    await execute(masters.database, "update buildrequests set submitted_at = submitted_at - 60 where id = ?", [b.id]);
    const before = await masters.value("select submitted_at from buildrequests where id = ?", [b.id]);
    await masters.takeTopics();
    const collapsed = await one.updates.collapsing.collapse({
      survivor: c.id,
      collapsed: [b.id, a.id],
      properties: { clean: [true, "Collapse"] },
    });
    expect(collapsed).toEqual([a.id, b.id]);
    for (const { id } of [a, b]) expect(await stateOf(id)).toMatchObject({ complete: 1, results: Results.SKIPPED });
    expect(await masters.rows("select priority, submitted_at from buildrequests where id = ?", [c.id])).toEqual([
      { priority: 7, submitted_at: before },
    ]);
    const topics = await masters.takeTopics(/^(buildrequests|buildsets)\./);
    for (const { id } of [a, b]) expect(topics).toContain(`buildrequests.${id}.complete`);
    expect(topics.filter((topic) => /^buildsets\.\d+\.complete$/.test(topic))).toHaveLength(2);
    const details = await two.updates.buildrequests.details(c.id);
    expect(details?.changes.map(({ changeid }) => changeid)).toEqual([a.changeid, b.changeid, c.changeid]);
    expect(details?.sourceStamps.map(({ revision }) => revision)).toEqual([`r${commits}`]);
    expect(details?.properties["clean"]).toEqual([true, "Collapse"]);
    const reasons = await explainRequests(masters.database, [a.id]);
    expect(reasons.get(a.id)).toMatchObject([
      { kind: "complete", facts: { into: c.id }, sentence: expect.stringContaining(`build request ${c.id}`) },
    ]);
  });

  it("names the last one for whatever collapsed into one that collapses itself", async () => {
    const [a, b, c] = [await addChange(), await addChange(), await addChange()];
    await one.updates.collapsing.collapse({
      survivor: b.id,
      collapsed: [a.id],
      properties: { clean: [1, "Collapse"] },
    });
    await two.updates.collapsing.collapse({ survivor: c.id, collapsed: [b.id] });
    const details = await one.updates.buildrequests.details(c.id);
    expect(details?.changes.map(({ changeid }) => changeid)).toEqual([a.changeid, b.changeid, c.changeid]);
    expect(
      await masters.rows("select buildrequestid from mm_request_ends where into_requestid = ?", [c.id]),
    ).toHaveLength(2);
  });

  it("collapses nothing into what is claimed, complete, cancelled or of another builder", async () => {
    const [older, claimed, ended, cancelled] = [await add(), await add(), await add(), await add()];
    const other = await add({ builders: ["b"] });
    await two.updates.buildrequests.claim([claimed]);
    await one.updates.buildrequests.cancel(ended, "not wanted");
    await two.updates.buildrequests.claim([cancelled]);
    await one.updates.buildrequests.cancel(cancelled, "not wanted");
    for (const survivor of [claimed, ended, cancelled, other, 999_999])
      expect(await one.updates.collapsing.collapse({ survivor, collapsed: [older] })).toEqual([]);
    // Nor the other way round.
    const newest = await add();
    expect(
      await one.updates.collapsing.collapse({ survivor: newest, collapsed: [claimed, ended, cancelled, other] }),
    ).toEqual([]);
    expect(await stateOf(older)).toMatchObject({ complete: 0, masterid: null });
    expect(await stateOf(claimed)).toMatchObject({ complete: 0, masterid: two.lease.masterid });
    expect(await one.updates.collapsing.collapse({ survivor: newest, collapsed: [older] })).toEqual([older]);
  });

  it("keeps a request for a newer change than that of the survivor", async () => {
    const [change, newer] = [await addChange(), await addChange()];
    // Another scheduler submits the older change later.
    const late = await add({ sourceStamps: [{ ...stamp, revision: `r${commits - 1}` }] });
    expect(await one.updates.collapsing.collapse({ survivor: late, collapsed: [change.id, newer.id] })).toEqual([
      change.id,
    ]);
    expect(await stateOf(newer.id)).toMatchObject({ complete: 0 });
  });

  it("waits until every master understands what has collapsed", async () => {
    const [older, newer] = [await add(), await add()];
    const collapse = () => one.updates.collapsing.collapse({ survivor: newer, collapsed: [older] });
    await setDataVersion(1);
    expect(await collapse()).toEqual([]);
    expect(await stateOf(older)).toMatchObject({ complete: 0 });
    await setDataVersion(2);
    expect(await collapse()).toEqual([older]);
  });

  it("writes nothing for a master that was evicted", async () => {
    const [older, newer] = [await add(), await add()];
    const three = await masters.join();
    await masters.evict(three);
    await expect(three.updates.collapsing.collapse({ survivor: newer, collapsed: [older] })).rejects.toThrow(LeaseLost);
    expect(await stateOf(older)).toMatchObject({ complete: 0, masterid: null });
  });

  it("keeps why a request was cancelled", async () => {
    const pending = await add();
    await one.updates.buildrequests.cancel(pending, "superseded by change 81");
    const claimed = await add();
    await two.updates.buildrequests.claim([claimed]);
    const workerid = await aWorker(two);
    const build = await two.updates.builds.create({ buildrequestid: claimed, workerid });
    await one.updates.buildrequests.cancel(claimed, "superseded by change 82");
    await two.updates.builds.finish(build === "lost" ? 0 : build.buildid, {
      results: Results.CANCELLED,
      state: "stopped",
    });
    const reasons = await explainRequests(masters.database, [pending, claimed]);
    expect(reasons.get(pending)?.[0]?.sentence).toBe("It is complete: cancelled (superseded by change 81).");
    expect(reasons.get(claimed)?.[0]?.sentence).toBe("It is complete: cancelled (superseded by change 82).");
  });

  const source = (over: Partial<NewSourceStamp>): NewSourceStamp => ({ ...stamp, ...over });
  it.each<[string, Partial<NewBuildset>, Partial<NewBuildset>, boolean]>([
    ["the same", {}, {}, true],
    ["another revision, without changes", {}, { sourceStamps: [source({ revision: "x" })] }, false],
    ["another branch", {}, { sourceStamps: [source({ branch: "x" })] }, false],
    ["no branch", { sourceStamps: [source({ branch: "" })] }, { sourceStamps: [source({ branch: null })] }, false],
    ["another repository", {}, { sourceStamps: [source({ repository: "x" })] }, false],
    ["another project", {}, { sourceStamps: [source({ project: "x" })] }, false],
    ["another codebase", {}, { sourceStamps: [source({ codebase: "x" })] }, false],
    ["one codebase more", {}, { sourceStamps: [stamp, source({ codebase: "x" })] }, false],
    ["another builder", {}, { builders: ["b"] }, false],
    ["other properties of a user", {}, { properties: { a: [1, "Force Build Form"] } }, true],
    ["other properties of the scheduler", {}, { properties: { a: [1, "Scheduler"] } }, false],
    ["other properties of a trigger", {}, { properties: { pullrequest_fork: [true, "Trigger"] } }, false],
    ["another scheduler", { properties: { scheduler: ["x", "Scheduler"] } }, {}, true],
    ["waited for", {}, { waitedFor: true }, true],
    ["another priority and reason", {}, { priority: 5, reason: "x" }, true],
  ])("compares as Buildbot does: %s", async (_what, a, b, compatible) => {
    expect(await areCompatible(await add(a), await add(b))).toBe(compatible);
  });

  it("compares as Buildbot does: changes with changes, and nothing with a patch", async () => {
    const [a, b] = [await addChange(), await addChange()];
    expect(await areCompatible(a.id, b.id)).toBe(true);
    expect(await areCompatible(a.id, await add())).toBe(false);
    await execute(
      masters.database,
      `insert into patches (patchlevel, patch_base64, patch_author, patch_comment) values (1, '', '', '')`,
    );
    const patched = await add({ sourceStamps: [{ ...stamp, revision: "patched" }] });
    await execute(
      masters.database,
      "update sourcestamps set patchid = (select max(id) from patches) where revision = 'patched'",
    );
    const same = await add({ sourceStamps: [{ ...stamp, revision: "patched" }] });
    expect(await areCompatible(patched, same)).toBe(false);
  });

  it("lists pending requests of builders that have several, and counts them", async () => {
    const builder = `many-${engine}`;
    const ids = [await add({ builders: [builder] }), await add({ builders: [builder] })];
    await add({ builders: [`${builder}-other`] });
    const builderids = (
      await masters.rows<{ id: number }>("select id from builders where name like ? order by id", [`${builder}%`])
    ).map(({ id }) => id);
    expect(await one.updates.collapsing.pending(builderids)).toEqual(
      ids.map((buildrequestid) => ({ buildrequestid, builderid: builderids[0] })),
    );
    expect(await one.updates.collapsing.count(builderids)).toEqual([
      { builderid: builderids[0], pending: 2, newest: ids[1] },
    ]);
    // Of many the newest, and those that are asked for; more than two are not counted.
    await execute(
      masters.database,
      `insert into buildrequests (buildsetid, builderid, priority, complete, results, submitted_at, waited_for)
       with recursive n(i) as (select 1 union all select i + 1 from n where i < 600)
       select r.buildsetid, r.builderid, 0, 0, -1, r.submitted_at, 0 from n, buildrequests r where r.id = ?`,
      [ids[0]],
    );
    const newest = Number(await masters.value("select max(id) from buildrequests"));
    expect(await one.updates.collapsing.count(builderids)).toMatchObject([{ pending: 2, newest }]);
    const many = await one.updates.collapsing.pending(builderids, [ids[0] as number]);
    expect(many.map(({ buildrequestid }) => buildrequestid)).toEqual([
      ids[0],
      ...Array.from({ length: 500 }, (_, i) => newest - 499 + i),
    ]);
  });

  it("waits for whoever ends the survivor at this moment", async () => {
    const [older, newer] = [await add(), await add()];
    const end = async (tx: Connection) => {
      await execute(tx, "update buildrequests set complete = 1, results = 6 where id = ?", [newer]);
    };
    const collapse = () => one.updates.collapsing.collapse({ survivor: newer, collapsed: [older] });
    expect(await queue(masters, end, [collapse])).toEqual([[]]);
    expect(await stateOf(older)).toMatchObject({ complete: 0, masterid: null });
  });

  type Act = "claim older" | "claim newer" | "collapse" | "collapse elsewhere" | "cancel older" | "cancel newer";
  it.each<Act[]>([
    ["collapse", "claim older"],
    ["claim older", "collapse"],
    ["claim newer", "collapse"],
    ["collapse", "claim newer"],
    ["collapse", "collapse elsewhere"],
    ["cancel older", "collapse"],
    ["cancel newer", "collapse"],
    ["collapse", "cancel older"],
    ["collapse", "cancel newer"],
  ])("either collapses or builds a request, never both: %s, then %s", async (...acts) => {
    for (const how of ["one after the other", "queued"] as const) {
      const [older, newer] = [await add(), await add()];
      const wanted = { survivor: newer, collapsed: [older] };
      const perform: Record<Act, () => Promise<unknown>> = {
        "claim older": () => two.updates.buildrequests.claim([older]),
        "claim newer": () => two.updates.buildrequests.claim([newer]),
        collapse: () => one.updates.collapsing.collapse(wanted),
        "collapse elsewhere": () => two.updates.collapsing.collapse(wanted),
        "cancel older": () => two.updates.buildrequests.cancel(older, "race"),
        "cancel newer": () => two.updates.buildrequests.cancel(newer, "race"),
      };
      const todo = acts.map((act) => perform[act]);
      const answers = how === "queued" ? await queue(masters, lockRows([older, newer]), todo) : await inTurn(todo);
      const collapses = answers.filter((_, i) => acts[i]?.startsWith("collapse")) as number[][];
      const ended = collapses.flat();
      expect(ended.length).toBeLessThanOrEqual(1);
      if (how === "one after the other" && acts[0]?.startsWith("cancel")) expect(ended).toEqual([]);
      const [olderState, newerState] = [await stateOf(older), await stateOf(newer)];
      const claimed = answers.filter((_, i) => acts[i]?.startsWith("claim")).flat() as number[];
      if (ended.length === 1) {
        expect(olderState).toMatchObject({ complete: 1, results: Results.SKIPPED });
        expect(claimed).not.toContain(older);
      } else {
        // What is claimed or cancelled goes its way alone.
        expect(olderState).not.toMatchObject({ results: Results.SKIPPED });
        expect(acts.some((act) => act !== "collapse")).toBe(true);
      }
      if (claimed.includes(older)) expect(olderState).toMatchObject({ complete: 0, masterid: two.lease.masterid });
      if (claimed.includes(newer)) expect(newerState).toMatchObject({ complete: 0, masterid: two.lease.masterid });
      const [rows] = await masters.rows<{ n: number }>(
        "select count(*) as n from mm_request_ends where kind = 'collapsed' and buildrequestid in (?, ?)",
        [older, newer],
      );
      expect(Number(rows?.n)).toBe(ended.length);
    }
  });
});

async function inTurn(acts: readonly (() => Promise<unknown>)[]): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (const act of acts) answers.push(await act());
  return answers;
}

const lockRows = (ids: readonly number[]) => async (tx: Connection) => {
  const wanted = tx.dialect.isOneOf("id", ids);
  const lock = `select id from buildrequests where ${wanted.sql} order by id${tx.dialect.noKeyUpdateLock}`;
  await queryRows(tx, lock, wanted.bindings);
};

/** Begins all of them, in order, while a transaction that has done `first` is open: they meet when it ends. */
async function queue(
  masters: TestMasters,
  first: (tx: Connection) => Promise<void>,
  acts: readonly (() => Promise<unknown>)[],
): Promise<unknown[]> {
  const { database } = masters;
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  let locked = () => {};
  const isLocked = new Promise<void>((resolve) => (locked = resolve));
  const holding = database.transaction(async (tx) => {
    await first(tx);
    locked();
    await released;
  });
  await isLocked;
  const settled = new Set<number>();
  const running: Promise<unknown>[] = [];
  for (const [i, act] of acts.entries()) {
    running.push(act().finally(() => settled.add(i)));
    // A claim does not wait: it leaves out what is locked. On SQLite all wait, in order, for the only connection.
    if (database.dialect.name === "postgresql")
      await waitFor(async () => (await waiting(masters)) + settled.size > i, { what: "it to wait", intervalMs: 2 });
  }
  release();
  await holding;
  return Promise.all(running);
}

async function waiting({ rows }: TestMasters): Promise<number> {
  return (await rows("select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"))
    .length;
}
