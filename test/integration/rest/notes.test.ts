import { Results } from "@multimaster/core";
import type { Failing, Note } from "@multimaster/data";
import { execute, queryRows } from "@multimaster/database";
import { beforeAll, describe, expect, it } from "vitest";
import { type Member, runningBuild, startMasters, type TestMasters } from "../../harness/masters-with-data.ts";
import { type RestServer, startRestServer } from "../../harness/rest-server.ts";
import { engines } from "../../harness/test-databases.ts";

describe.each(engines)("notes on %s", (engine) => {
  let masters: TestMasters;
  let member: Member;
  let server: RestServer;
  let buildid: number;
  let lineid: number;
  beforeAll(async () => {
    masters = await startMasters(engine);
    member = await masters.join();
    server = await startRestServer(masters.database);
    buildid = await build(Results.FAILURE);
    lineid = (await failing())[0]?.lineid ?? 0;
    expect(lineid).toBeGreaterThan(0);
  });

  async function build(results: typeof Results.FAILURE | typeof Results.SUCCESS): Promise<number> {
    const { buildid } = await runningBuild(member);
    await member.updates.builds.finish(buildid, { results, state: "" });
    return buildid;
  }
  async function say(path: string, method: string, params: object = {}): Promise<number> {
    const { status, body } = await server.post(`/api/v2/${path}`, { jsonrpc: "2.0", id: 1, method, params });
    expect(status, JSON.stringify(body)).toBe(200);
    return body.result?.noteid as number;
  }
  const refused = async (path: string, method: string, params: object) =>
    (await server.post(`/api/v2/${path}`, { jsonrpc: "2.0", id: 1, method, params })).body.error?.message as string;
  const failing = async (query = "") => (await server.get(`/api/v2/failing${query}`)).body.failing as Failing[];
  const notes = async (path: string) => (await server.get(`/api/v2/${path}`)).body.notes as Note[];
  const trail = async () =>
    (
      await queryRows<{ line: string }>(
        masters.database,
        "select action || ' ' || object as line from mm_audit order by id",
      )
    ).map(({ line }) => line);

  it("say who is on it, what is known, and are rows of the audit trail", async () => {
    await say(`lines/${lineid}`, "comment", { text: "The disk is full.\n  I think." });
    await say(`lines/${lineid}`, "take", { text: "looking" });
    const second = await say(`lines/${lineid}`, "take");
    await say(`builds/${buildid}`, "comment", { text: "<b>plain</b>" });
    const [line] = await failing();
    expect(line?.notes).toMatchObject({
      mute: null,
      comments: 1,
      newest: [{ by: "anonymous", text: "The disk is full.\n  I think." }],
      // The same user once.
      on_it: [{ noteid: second, text: "" }],
    });
    expect((await notes(`builds/${buildid}/notes`)).map(({ kind, text }) => [kind, text])).toEqual([
      ["comment", "<b>plain</b>"],
      ["take", ""],
      ["take", "looking"],
      ["comment", "The disk is full.\n  I think."],
    ]);
    expect(await trail()).toEqual([
      `comment lines/${lineid}`,
      `take lines/${lineid}`,
      `take lines/${lineid}`,
      `comment builds/${buildid}`,
    ]);
  });

  it("are refused with a sentence", async () => {
    const path = `lines/${lineid}`;
    expect(await refused(path, "comment", { text: " " })).toBe("'text' must be a text of at most 2000 characters");
    expect(await refused(path, "comment", { text: "x".repeat(2001) })).toMatch(/at most 2000/);
    expect(await refused(path, "comment", { text: "\u001b[31mred" })).toMatch(/must be plain text/);
    expect(await refused(path, "mute", { until_good: true })).toMatch(/'text' must be the reason/);
    expect(await refused(path, "mute", { text: "known" })).toMatch(/a mute needs an end/);
  });

  it("mute a failure until their time is over, and it is never left out of the list", async () => {
    const first = await say(`lines/${lineid}`, "mute", { text: "known", for_seconds: 1000 });
    const mute = await say(`lines/${lineid}`, "mute", { text: "known since Monday", for_seconds: 3600 });
    expect(await notes(`notes/${first}`)).toMatchObject([{ open: false, ended_by: "anonymous" }]);
    expect(await failing("?muted=false")).toEqual([]);
    expect((await failing("?muted=true"))[0]?.notes.mute).toMatchObject({ noteid: mute, text: "known since Monday" });
    expect(await failing()).toHaveLength(1);
    const readMute = async () => (await member.updates.reports.readBuilds([buildid])).get(buildid)?.mute;
    expect(await readMute()).toMatchObject({ by: "anonymous", reason: "known since Monday" });
    await member.updates.notes.endOld();
    expect(await failing("?muted=true")).toHaveLength(1);
    await execute(masters.database, "update mm_notes set until = until - 4000 where id = ?", [mute]);
    // Reporters do not wait for the row.
    expect(await readMute()).toBeNull();
    await member.updates.notes.endOld();
    expect(await failing("?muted=true")).toEqual([]);
    expect(await notes(`notes/${mute}`)).toMatchObject([{ open: false, ended_by: null }]);
  });

  it("are withdrawn once", async () => {
    const mute = await say(`lines/${lineid}`, "mute", { text: "known", for_seconds: 1000 });
    await say(`notes/${mute}`, "withdraw");
    expect(await failing("?muted=true")).toEqual([]);
    expect(await refused(`notes/${mute}`, "withdraw", {})).toBe(`The note ${mute} is over already.`);
    const comment = await say(`builds/${buildid}`, "comment", { text: "a secret" });
    await say(`notes/${comment}`, "withdraw");
    expect(await notes(`notes/${comment}`)).toMatchObject([{ text: "", ended_by: "anonymous" }]);
    expect(await queryRows(masters.database, "select 1 from mm_notes where words = 'a secret'")).toEqual([]);
  });

  it("are bounded, and those in force stay", async () => {
    const mute = await say(`lines/${lineid}`, "mute", { text: "known", until_good: true });
    const by = { who: "user:ann", name: "ann" };
    for (let i = 0; i < 205; i += 1)
      await member.updates.notes.add({ lineid }, { kind: "comment", words: `${i}`, ...by }, async () => {});
    const kept = await notes(`lines/${lineid}/notes`);
    expect(kept.length).toBeLessThan(205);
    expect(kept.filter(({ open }) => open).map(({ kind }) => kind)).toEqual(["mute", "take"]);
    expect(kept.find(({ noteid }) => noteid === mute)?.open).toBe(true);
    expect(kept[0]?.text).toBe("204");
  });

  it("end when a build passes, in the same transaction, but not those with a time", async () => {
    await build(Results.FAILURE);
    expect((await failing("?muted=true"))[0]?.notes.on_it).toHaveLength(1);
    await build(Results.SUCCESS);
    const open = async () => (await notes(`lines/${lineid}/notes`)).filter((note) => note.open).map(({ kind }) => kind);
    expect(await open()).toEqual([]);
    expect(await refused(`lines/${lineid}`, "take", {})).toMatch(/does not fail on/);
    await build(Results.FAILURE);
    await say(`lines/${lineid}`, "mute", { text: "flaky", for_seconds: 3600 });
    await build(Results.SUCCESS);
    expect(await open()).toEqual(["mute"]);
  });
});
