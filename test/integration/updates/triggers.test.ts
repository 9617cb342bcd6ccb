import { Results } from "@multimaster/core";
import type { BuildTriggers, Trigger, TriggeredBuildset, TriggerInQuestion } from "@multimaster/data";
import { beforeEach, describe, expect, it } from "vitest";
import {
  aWorker,
  type Member,
  runningBuild,
  stamp,
  startMasters,
  type TestMasters,
} from "../../harness/masters-with-data.ts";
import { engines } from "../../harness/test-databases.ts";

describe.each(engines)("triggering on %s", (engine) => {
  let masters: TestMasters;
  let one: Member;
  let scheduler: number;
  beforeEach(async () => {
    masters = await startMasters(engine);
    one = await masters.join();
    scheduler = (await one.updates.schedulers.register(["kids"])).get("kids") as number;
    await one.updates.schedulers.publish(scheduler, { kind: "builds", triggerable: spec });
  });

  const spec = {
    builders: ["left", "right"],
    properties: { size: 1, colour: "red" },
    priority: 3,
    reason: "the usual",
    codebases: { lib: { branch: "stable", revision: null, repository: "https://example.org/lib", project: "" } },
  };
  const wish = (more: Partial<Trigger> = {}): Trigger => ({
    scheduler: "kids",
    slot: "trigger/kids/1",
    sourceStamps: {},
    properties: {},
    ...more,
  });
  const ask = (buildid: number, triggers: readonly Trigger[] = [wish()], more: Partial<BuildTriggers> = {}) => ({
    buildid,
    waitedFor: true,
    relationship: "Triggered from",
    triggers,
    ...more,
  });
  const trigger = async (member: Member, wanted: BuildTriggers) =>
    (await member.updates.triggers.trigger(wanted)) as TriggeredBuildset[];
  const buildsets = () =>
    masters.rows<{ id: number; parent_buildid: number; complete: number; results: number }>(
      "select id, parent_buildid, complete, results from buildsets where parent_buildid is not null order by id",
    );
  /** Ends the build so that its request is free, and starts the next attempt. */
  async function again(buildid: number, buildrequestid: number): Promise<number> {
    await one.updates.builds.finish(buildid, { results: Results.RETRY, state: "lost" });
    await one.updates.buildrequests.claim([buildrequestid]);
    const build = await one.updates.builds.create({ buildrequestid, workerid: await aWorker(one) });
    return build === "lost" ? 0 : build.buildid;
  }

  it("writes a buildset that names its origin, and publishes it", async () => {
    const { buildid } = await runningBuild(one, "parent");
    const { sourcestampid } = (
      await masters.rows<{ sourcestampid: number }>("select sourcestampid from buildset_sourcestamps")
    )[0] as never;
    await masters.takeTopics();
    const wanted = wish({
      sourceStamps: { "": sourcestampid, lib: { revision: "f00" } },
      properties: { colour: "blue", reason: "because" },
    });
    const [set] = await trigger(one, ask(buildid, [wanted]));
    expect(set).toMatchObject({ scheduler: "kids", requests: [{ builder: "left" }, { builder: "right" }] });
    expect(
      await masters.rows("select reason, parent_buildid, parent_relationship, complete from buildsets where id = ?", [
        set?.bsid,
      ]),
    ).toEqual([{ reason: "because", parent_buildid: buildid, parent_relationship: "Triggered from", complete: 0 }]);
    expect(
      await masters.rows("select priority, waited_for from buildrequests where buildsetid = ?", [set?.bsid]),
    ).toEqual([
      { priority: 3, waited_for: 1 },
      { priority: 3, waited_for: 1 },
    ]);
    const stamps =
      "select s.codebase, s.branch, s.revision, s.repository from sourcestamps s join buildset_sourcestamps b on b.sourcestampid = s.id where b.buildsetid = ? order by s.codebase";
    expect(await masters.rows(stamps, [set?.bsid])).toEqual([
      { codebase: "", branch: stamp.branch, revision: stamp.revision, repository: stamp.repository },
      { codebase: "lib", branch: "stable", revision: "f00", repository: "https://example.org/lib" },
    ]);
    const [request] = set?.requests ?? [];
    const details = await one.updates.buildrequests.details(request?.buildrequestid as number);
    expect(details).toMatchObject({
      waitedFor: true,
      properties: {
        scheduler: ["kids", "Scheduler"],
        size: [1, "Scheduler"],
        colour: ["blue", "Trigger"],
        reason: ["because", "Trigger"],
      },
    });
    expect(await masters.takeTopics(/^buildsets\.\d+\.new$/)).toEqual([`buildsets.${set?.bsid}.new`]);
  });

  it("writes one buildset however often the same call is repeated, even at the same time", async () => {
    const { buildid } = await runningBuild(one, "parent");
    const answers = await Promise.all([1, 2, 3, 4].map(() => trigger(one, ask(buildid))));
    answers.push(await trigger(one, ask(buildid)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(await buildsets()).toHaveLength(1);
    // Another slot of the same build is another trigger.
    await trigger(one, ask(buildid, [wish({ slot: "trigger/kids/2" })]));
    expect(await buildsets()).toHaveLength(2);
  });

  it("passes to the next attempt what the first one has triggered, whether it has ended or not", async () => {
    const { buildid, buildrequestid } = await runningBuild(one, "parent");
    const [open, ended] = await trigger(one, ask(buildid, [wish(), wish({ slot: "trigger/kids/2" })]));
    for (const { buildrequestid: id } of ended?.requests ?? []) await one.updates.buildrequests.cancel(id, "enough");
    const second = await again(buildid, buildrequestid);
    await one.updates.triggers.tidy();
    const adopted = await trigger(one, ask(second, [wish(), wish({ slot: "trigger/kids/2" })]));
    expect(adopted).toEqual([open, ended]);
    expect(await buildsets()).toMatchObject([
      { id: open?.bsid, parent_buildid: second, complete: 0 },
      { id: ended?.bsid, parent_buildid: second, complete: 1, results: Results.CANCELLED },
    ]);
    expect(await one.updates.triggers.completed(adopted.map(({ bsid }) => bsid))).toEqual(
      new Map([[ended?.bsid, Results.CANCELLED]]),
    );
  });

  it("cancels what the first attempt waited for when the next one asks for something else", async () => {
    const { buildid, buildrequestid } = await runningBuild(one, "parent");
    const [first] = await trigger(one, ask(buildid));
    const second = await again(buildid, buildrequestid);
    const [other] = await trigger(one, ask(second, [wish({ properties: { colour: "green" } })]));
    expect(other?.bsid).not.toBe(first?.bsid);
    expect(await buildsets()).toMatchObject([
      { id: first?.bsid, complete: 1, results: Results.CANCELLED },
      { id: other?.bsid, parent_buildid: second, complete: 0 },
    ]);
  });

  it("cancels what is waited for when the request of the build ends without it, and only that", async () => {
    const { buildid, buildrequestid } = await runningBuild(one, "parent");
    const [waited] = await trigger(one, ask(buildid));
    const [free] = await trigger(one, ask(buildid, [wish({ slot: "trigger/kids/2" })], { waitedFor: false }));
    await one.updates.triggers.tidy();
    expect(await buildsets()).toMatchObject([{ complete: 0 }, { complete: 0 }]);
    // Its engine dies, and before another one begins again, no one wants the build any more.
    await masters.evict(one);
    const two = await masters.join();
    expect(await two.updates.buildrequests.cancel(buildrequestid, "not needed")).toBe("cancelled");
    await two.updates.triggers.tidy();
    expect(await buildsets()).toMatchObject([
      { id: waited?.bsid, complete: 1, results: Results.CANCELLED },
      { id: free?.bsid, complete: 0 },
    ]);
    expect(await masters.value("select count(*) as n from mm_triggered_buildsets")).toBe(0);
  });

  it("keeps the newest trigger for a scheduler's next time, however many there are", async () => {
    await one.updates.schedulers.claim(scheduler);
    await one.updates.schedulers.publish(scheduler, { kind: "times", triggerable: { asks: "later", codebases: {} } });
    const { buildid } = await runningBuild(one, "parent");
    const many = Array.from({ length: 101 }, (_, i) => wish({ slot: `trigger/kids/${i}` }));
    await trigger(one, ask(buildid, many));
    const newest = (await one.updates.schedulers.openTriggers(scheduler)).at(-1)?.id;
    expect(newest).toBe(await masters.value("select max(id) from mm_asked_triggers"));
    const buildset = { reason: "at night", sourceStamps: [stamp], builders: ["left"], scheduler: "kids" };
    await one.updates.schedulers.decideSlot(scheduler, {
      kind: "time",
      slot: 100,
      outcome: "built",
      passed: 0,
      trigger: newest,
      submission: { buildset, changeids: [] },
    });
    expect(await one.updates.schedulers.openTriggers(scheduler)).toEqual([]);
  });

  it("refuses what a scheduler has not decided when it was disabled", async () => {
    await one.updates.schedulers.publish(scheduler, { kind: "builds", triggerable: { asks: "now", codebases: {} } });
    const { buildid } = await runningBuild(one, "parent");
    const [asked] = (await one.updates.triggers.trigger(ask(buildid))) as TriggerInQuestion[];
    const answer = () => one.updates.triggers.answer(asked as TriggerInQuestion);
    expect(await answer()).toBeUndefined();
    await one.updates.schedulers.setEnabled(scheduler, false);
    expect(await answer()).toEqual({
      refused: 'The scheduler "kids" was disabled before it chose what to build. Enable it and run the build again.',
    });
  });

  it("cancels on demand: pending requests end immediately, running builds are asked to stop", async () => {
    const { buildid } = await runningBuild(one, "parent");
    const [set] = await trigger(one, ask(buildid));
    const [left, right] = set?.requests ?? [];
    await one.updates.buildrequests.claim([left?.buildrequestid as number]);
    const child = await one.updates.builds.create({
      buildrequestid: left?.buildrequestid as number,
      workerid: await aWorker(one),
    });
    if (child === "lost") throw new Error("the child does not run");
    await one.updates.triggers.cancelAwaited([set?.bsid as number], "stopped");
    expect(await one.updates.builds.stopRequests([child.buildid])).toMatchObject([{ reason: "stopped" }]);
    expect(await masters.value("select results from buildrequests where id = ?", [right?.buildrequestid])).toBe(
      Results.CANCELLED,
    );
    await one.updates.builds.finish(child.buildid, { results: Results.CANCELLED, state: "stopped" });
    expect(await one.updates.triggers.completed([set?.bsid as number])).toEqual(
      new Map([[set?.bsid, Results.CANCELLED]]),
    );
  });

  it("refuses what is not there or is disabled with a sentence, and then triggers nothing", async () => {
    const { buildid } = await runningBuild(one, "parent");
    const both = ask(buildid, [wish(), wish({ scheduler: "none", slot: "trigger/none/1" })]);
    expect(await one.updates.triggers.trigger(both)).toEqual({
      refused: 'There is no triggerable scheduler "none" (have: kids).',
    });
    await one.updates.schedulers.setEnabled(scheduler, false);
    expect(await one.updates.triggers.trigger(ask(buildid))).toEqual({
      refused: 'The triggerable scheduler "kids" is disabled.',
    });
    expect(await buildsets()).toEqual([]);
  });

  it("is lost for a build that does not run on this master", async () => {
    const { buildid } = await runningBuild(one, "parent");
    const two = await masters.join();
    expect(await two.updates.triggers.trigger(ask(buildid))).toBe("lost");
    await one.updates.builds.finish(buildid, { results: Results.SUCCESS, state: "done" });
    expect(await one.updates.triggers.trigger(ask(buildid))).toBe("lost");
    expect(await buildsets()).toEqual([]);
  });

  it("builds what the scheduler published last", async () => {
    await one.updates.schedulers.publish(scheduler, {
      kind: "builds",
      triggerable: { ...spec, builders: ["other"], codebases: {} },
    });
    const { buildid } = await runningBuild(one, "parent");
    const [set] = await trigger(one, ask(buildid));
    expect(set?.requests.map(({ builder }) => builder)).toEqual(["other"]);
    expect(
      await masters.rows(
        "select s.codebase, s.branch from sourcestamps s join buildset_sourcestamps b on b.sourcestampid = s.id where b.buildsetid = ?",
        [set?.bsid],
      ),
    ).toEqual([{ codebase: "", branch: null }]);
  });
});
