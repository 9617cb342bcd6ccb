import { basename } from "node:path";
import { type Json, Results } from "@multimaster/core";
import { approvals, buildrequests, builds, changes, explainBuilders, explainRequests } from "@multimaster/data";
import { execute, queryRows } from "@multimaster/database";
import { defineStep } from "@multimaster/plugins";
import shell from "@multimaster/plugins/steps/shell";
import trigger from "@multimaster/plugins/steps/trigger";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type Engine, startEngine } from "../../harness/engine.ts";
import { engines, newDatabaseUrl } from "../../harness/test-databases.ts";
import { waitFor } from "../../harness/wait-for.ts";

const stranger = { pullrequest_fork: true };
const guarded = { approval: { untrusted: true } };
const by = (name: string, reason: string | null = null) => ({ actor: { name }, reason, trail: async () => {} });

/** Adds a change with these properties and requests a build of it. */
async function request(
  engine: Engine,
  builder: string,
  {
    properties = stranger,
    revision = "a".repeat(40),
    branch = "refs/pull/7/head",
  }: { properties?: Record<string, Json>; revision?: string; branch?: string } = {},
): Promise<number> {
  const change = { author: "eve", comments: "c", branch, revision, properties };
  const { changeid } = await engine.data.updates.changes.add(change);
  const { sourcestamp } = (await engine.data.get(changes, changeid)) as { sourcestamp: { ssid: number } };
  return engine.submit(builder, { sourceStamps: [sourcestamp.ssid] });
}

const whyOf = async (engine: Engine, id: number) => ((await explainRequests(engine.database, [id])).get(id) ?? [])[0];
const untilItWaits = (engine: Engine, id: number) =>
  waitFor(async () => (await whyOf(engine, id))?.kind === "awaits_approval", { what: `request ${id} to wait` });

describe.each(engines)("approval of a stranger's pull request on %s", (kind) => {
  it("is waited for, while others go on, and lets only this one request start", async () => {
    const url = await newDatabaseUrl(kind);
    const engine = await startEngine({ a: [shell({ command: "true" })] }, { url, more: guarded });
    const waits = await request(engine, "a");
    await untilItWaits(engine, waits);
    expect((await whyOf(engine, waits))?.sentence).toMatch(
      /^The pull request of a stranger \(refs\/pull\/7\/head at aaaaaaaaaaaa\) waits for approval, at most until .*: "master approve \d+", or the button/,
    );
    expect((await explainBuilders(engine.database, [1])).get(1)).toMatchObject([{ kind: "awaits_approval" }]);
    // The repository's own, and what no pull request is, need no one.
    const own = await request(engine, "a", { properties: { pullrequest_fork: false }, revision: "b" });
    for (const id of [own, await engine.submit("a")])
      expect((await engine.finished(id))[0]?.results).toBe(Results.SUCCESS);
    expect((await engine.data.get(buildrequests, waits))?.claimed).toBe(false);

    // It survives the end of the engine that asked.
    await engine.stop();
    const next = await startEngine({ a: [shell({ command: "true" })] }, { url, more: guarded });
    await next.finished(await next.submit("a"));
    expect((await next.data.get(buildrequests, waits))?.claimed).toBe(false);
    // A new push is another request.
    const newer = await request(next, "a", { revision: "c" });
    await untilItWaits(next, newer);
    await next.data.updates.approvals.approve(waits, by("ann", "read it"));
    expect((await next.finished(waits))[0]?.results).toBe(Results.SUCCESS);
    expect(await next.data.get(approvals, waits)).toMatchObject({
      decision: "approved",
      decided_by: "ann",
      decided_at: expect.any(Number),
      reason: "read it",
    });
    expect((await whyOf(next, newer))?.kind).toBe("awaits_approval");

    await expect(next.data.updates.approvals.approve(waits, by("ann"))).rejects.toThrow("does not wait");
    await next.data.updates.approvals.reject(newer, by("bob", "it mines coins"));
    expect(await next.finished(newer)).toEqual([]);
    expect((await whyOf(next, newer))?.sentence).toBe("It is complete: cancelled (bob rejected it: it mines coins).");
    await expect(next.data.updates.approvals.approve(newer, by("ann"))).rejects.toThrow("does not wait");
  });
});

describe("a request that waits for approval", () => {
  it("cannot be claimed, not even by an engine that has not read that it waits", async () => {
    const engine = await startEngine({ a: [shell({ command: "true" })] }, { more: guarded });
    const id = await request(engine, "a");
    await untilItWaits(engine, id);
    expect(await engine.data.updates.buildrequests.claim([id])).toEqual([]);
  });

  it("ends when no one has decided in time", async () => {
    const engine = await startEngine(
      { a: [shell({ command: "true" })] },
      { more: { approval: { untrusted: true, expires: "1h" } } },
    );
    const id = await request(engine, "a");
    await untilItWaits(engine, id);
    await execute(engine.database, "update mm_approvals set expires_at = expires_at - 3700");
    await engine.data.updates.approvals.expire();
    expect(await engine.finished(id)).toEqual([]);
    expect((await whyOf(engine, id))?.sentence).toBe("It is complete: cancelled (no one approved it in time).");
    expect(await engine.data.get(approvals, id)).toMatchObject({ decision: "expired", decided_by: null });
  });

  it("starts if it is approved at the last moment", async () => {
    const engine = await startEngine({ a: [shell({ command: "true" })] }, { more: guarded });
    const id = await request(engine, "a");
    await untilItWaits(engine, id);
    // As one that looks for what has expired has read it before.
    await execute(engine.database, "update mm_approvals set decision = 'approved', expires_at = 1");
    await engine.data.updates.approvals.expire();
    await engine.submit("a");
    expect(await engine.finished(id)).toMatchObject([{ results: Results.SUCCESS }]);
  });

  it("cannot be approved if no one can know what it would build", async () => {
    const engine = await startEngine({ a: [shell({ command: "true" })] }, { more: guarded });
    const stamp = { branch: "refs/pull/9/head", revision: null, repository: "", project: "", codebase: "" };
    const id = await engine.submit("a", { sourceStamps: [stamp] });
    await untilItWaits(engine, id);
    await expect(engine.data.updates.approvals.approve(id, by("ann"))).rejects.toThrow(
      `The build request ${id} names no revision of refs/pull/9/head, so it would build whatever is there when it starts`,
    );
    await engine.data.updates.approvals.reject(id, by("ann"));
    // A patch is applied to whatever is there.
    await execute(engine.database, "update mm_data_version set version = 2");
    const patch = { body: Buffer.from("--- a/f\n"), level: 1, subdir: null, author: "eve", comment: "" };
    const patched = await engine.submit("a", { sourceStamps: [{ ...stamp, patch }] });
    await untilItWaits(engine, patched);
    await expect(engine.data.updates.approvals.approve(patched, by("ann"))).rejects.toThrow(
      "names no revision of refs/",
    );
  });

  it.each([
    ["refs/pull/9/head", "refs/pull/9/head", false],
    ["main", "refs/pull/9/head", false],
    ["refs/pull/9/head", "7b50", false],
    ["refs/pull/9/head", "v1.0", false],
    ["refs/pull/9/head", "A".repeat(41), false],
    ["refs/pull/9/head", "7b".repeat(32), true],
    ["refs/pull/9/head", "7b50aaaaaaaa", true],
    ["trunk", "1234", true],
  ])("of %s at %s may be approved: %s", async (branch, revision, mayBe) => {
    const engine = await startEngine({ a: [shell({ command: "true" })] }, { more: guarded });
    const id = await request(engine, "a", { branch, revision });
    await untilItWaits(engine, id);
    const approval = engine.data.updates.approvals.approve(id, by("ann"));
    if (mayBe) await approval;
    else
      await expect(approval).rejects.toThrow(
        `The build request ${id} names the revision "${revision}" of ${branch}, which may mean other code when it starts`,
      );
    expect((await engine.data.get(approvals, id))?.decision).toBe(mayBe ? "approved" : null);
  });

  it("holds back no other request, however many strangers ask", async () => {
    const engine = await startEngine({ a: [shell({ command: "true" })] }, { more: guarded });
    const stranger = { branch: "refs/pull/8/head", repository: "", project: "", codebase: "" };
    for (let i = 0; i < 150; i += 1) await engine.submit("a", { sourceStamps: [{ ...stranger, revision: `r${i}` }] });
    const [build] = await engine.finished(await engine.submit("a"));
    expect(build?.results).toBe(Results.SUCCESS);
    expect((await engine.data.find(builds, {})).total).toBe(1);
  });
});

describe("the property trusted", () => {
  const note = defineStep({
    type: "note",
    options: z.object({}),
    run: async (ctx) => {
      ctx.log("stdio");
      return { results: Results.SUCCESS, summary: String(ctx.properties.get("trusted")) };
    },
  });
  const lie = defineStep({
    type: "lie",
    options: z.object({}),
    run: async (ctx) => {
      ctx.properties.set("trusted", true);
      return { results: Results.SUCCESS };
    },
  });

  it("is the server's word, whatever hooks, requests, builders and steps say", async () => {
    const kids = { schedulerNames: ["kids"], waitForFinish: true, setProperties: { trusted: true } };
    const engine = await startEngine(
      { b: [note({})], parent: [trigger(kids)], liar: [lie({})], same: [note({})] },
      { more: { properties: { trusted: true } }, moreOf: { same: { directoryForForks: false } } },
    );
    const scheduler = (await engine.data.updates.schedulers.register(["kids"])).get("kids") as number;
    const rest = { properties: {}, priority: 0, reason: "triggered", codebases: {} };
    await engine.data.updates.schedulers.publish(scheduler, {
      kind: "builds",
      triggerable: { builders: ["b"], ...rest },
    });
    const claims = { ...stranger, trusted: true };
    const trustedOf = async (id: number) => {
      const [build] = await engine.finished(id);
      const { trusted, builddir } = await engine.properties(build?.buildid as number);
      return [trusted, basename(String(builddir?.[0]))];
    };
    expect(await trustedOf(await request(engine, "b", { properties: claims }))).toEqual([[false, "Build"], "b~forks"]);
    expect(await trustedOf(await request(engine, "same", { properties: claims }))).toEqual([[false, "Build"], "same"]);
    expect(await trustedOf(await engine.submit("b", { properties: { trusted: [false, "Force Build Form"] } }))).toEqual(
      [[true, "Build"], "b"],
    );
    await engine.finished(await request(engine, "parent", { properties: claims, revision: "d" }));
    const children = await queryRows<{ id: number }>(engine.database, "select max(id) as id from buildrequests");
    expect(await trustedOf(children[0]?.id as number)).toEqual([[false, "Build"], "b~forks"]);

    const [lied] = await engine.finished(await request(engine, "liar", { revision: "e" }));
    expect(lied?.results).toBe(Results.EXCEPTION);
    const [step] = (await engine.stepsOf(lied?.buildid as number)).filter(({ name }) => name === "lie");
    expect(await engine.logText(step?.stepid as number, "err.text")).toBe(
      'The property "trusted" is set by the server alone; no step may change it.\n',
    );
  });
});
