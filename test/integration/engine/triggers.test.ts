import { Results } from "@multimaster/core";
import { buildrequests, builds, explainRequests } from "@multimaster/data";
import { defineStep, StepFailed } from "@multimaster/plugins";
import shell from "@multimaster/plugins/steps/shell";
import trigger from "@multimaster/plugins/steps/trigger";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type Engine, type Finished, startEngine } from "../../harness/engine.ts";
import { waitFor } from "../../harness/wait-for.ts";

describe("a build that triggers others", () => {
  /** Makes a scheduler known, as the scheduler's master does. */
  async function publish(engine: Engine, name: string, builders: string[]): Promise<void> {
    const id = (await engine.data.updates.schedulers.register([name])).get(name) as number;
    const rest = { properties: {}, priority: 0, reason: "triggered", codebases: {} };
    await engine.data.updates.schedulers.publish(id, { kind: "builds", triggerable: { builders, ...rest } });
  }
  const stepOf = async (engine: Engine, build: Finished | undefined) =>
    (await engine.stepsOf(build?.buildid as number))[1] as Awaited<ReturnType<Engine["stepsOf"]>>[number] & {
      urls: { name: string; url: string }[];
    };

  it("waits for them, ends as the worst of them does, and links to each", async () => {
    const engine = await startEngine({
      parent: [
        trigger({
          schedulerNames: ["kids"],
          waitForFinish: true,
          setProperties: { from: (b) => b.property("buildername") ?? null },
        }),
      ],
      good: [shell({ command: ["printf", "%s\\n", (b) => String(b.property("from"))] })],
      bad: [shell({ command: "false" })],
    });
    await publish(engine, "kids", ["good", "bad"]);
    const [build] = await engine.finished(await engine.submit("parent"));
    expect(build?.results).toBe(Results.FAILURE);
    const step = await stepOf(engine, build);
    expect(step.state_string).toBe("triggered kids, 1 failure (failure)");
    expect(step.urls.map(({ name }) => name).toSorted()).toEqual([
      "failure: bad #1",
      "kids #2",
      "kids #3",
      "success: good #1",
    ]);
    expect(step.urls.map(({ url }) => url)).toContain("#/buildrequests/2");
    const children = (await engine.data.find(builds, { order: ["buildid"] })).rows.slice(1);
    expect(children.map(({ results }) => results).toSorted()).toEqual([Results.SUCCESS, Results.FAILURE]);
    const good = children.find(({ results }) => results === Results.SUCCESS);
    expect(await engine.properties(good?.buildid as number)).toMatchObject({
      from: ["parent", "Trigger"],
      scheduler: ["kids", "Scheduler"],
    });
  });

  it("builds its items again when it is tried again: each attempt reads its own builds", async () => {
    const engine = await startEngine({
      parent: [
        trigger({
          schedulerNames: ["kids"],
          waitForFinish: true,
          items: [{ name: "one" }, { name: "two", after: ["one"] }],
          tryAgain: { times: 1 },
        }),
      ],
      // Only the very first build fails.
      child: [shell({ command: "test -e ../tried || { touch ../tried; exit 1; }" })],
    });
    await publish(engine, "kids", ["child"]);
    const [build] = await engine.finished(await engine.submit("parent"));
    expect(build?.results).toBe(Results.SUCCESS);
    const children = (await engine.data.find(builds, { order: ["buildid"] })).rows.slice(1);
    expect(children.map(({ results }) => results)).toEqual([Results.FAILURE, Results.SUCCESS, Results.SUCCESS]);
  });

  it("does not wait unless its options say so", async () => {
    const engine = await startEngine({
      parent: [trigger({ schedulerNames: ["kids"] })],
      child: [shell({ command: "true" })],
    });
    await publish(engine, "kids", ["child"]);
    await engine.data.updates.workers.setPaused(1, true, null);
    const request = await engine.submit("parent");
    await engine.data.updates.workers.setPaused(1, false, null);
    const [build] = await engine.finished(request);
    expect(build).toMatchObject({ results: Results.SUCCESS, state_string: "build successful" });
    expect((await stepOf(engine, build)).state_string).toBe("triggered kids");
    expect((await engine.finished(2))[0]?.results).toBe(Results.SUCCESS);
    expect(await engine.data.get(buildrequests, 2)).toMatchObject({ waited_for: false });
  });

  it("cancels them when it is stopped: those that run and those that wait", async () => {
    const engine = await startEngine({
      parent: [trigger({ schedulerNames: ["kids"], waitForFinish: true }), shell({ command: "true" })],
      child: [shell({ command: "sleep 1000" })],
      other: [shell({ command: "sleep 1000" })],
    });
    await publish(engine, "kids", ["child", "other"]);
    const request = await engine.submit("parent");
    // The worker takes two: the parent and one of its children.
    await waitFor(async () => (await engine.running()) === 2, { what: "a child to run" });
    await engine.data.updates.builds.requestStop(1, "not needed");
    const [build] = await engine.finished(request);
    expect(build?.results).toBe(Results.CANCELLED);
    expect((await stepOf(engine, build)).results).toBe(Results.CANCELLED);
    for (const child of [2, 3]) {
      await engine.finished(child);
      expect(await engine.data.get(buildrequests, child)).toMatchObject({ results: Results.CANCELLED });
    }
    expect((await engine.data.find(builds, {})).rows.map(({ results }) => results)).toEqual([6, 6]);
  });

  it("cancels them when it runs out of time, or fails without them", async () => {
    const hasty = defineStep({
      type: "hasty",
      options: z.object({}),
      async run(ctx) {
        await ctx.trigger([{ scheduler: "kids", sourceStamps: {}, properties: {} }], {
          wait: true,
          relationship: "Triggered from",
        });
        throw new StepFailed("there is no more to do");
      },
    });
    const engine = await startEngine(
      {
        late: [trigger({ schedulerNames: ["kids"], items: [{ name: "one" }] })],
        hasty: [hasty({})],
        child: [shell({ command: "sleep 1000" })],
      },
      { moreOf: { late: { maxTime: "1s" } } },
    );
    await publish(engine, "kids", ["child"]);
    const [late] = await engine.finished(await engine.submit("late"));
    const why = "the build has run longer than 1s (maxTime)";
    expect(late).toMatchObject({ results: Results.FAILURE, state_string: expect.stringContaining(why) });
    expect((await stepOf(engine, late)).state_string).toContain(why);
    const [hastily] = await engine.finished(await engine.submit("hasty"));
    expect(hastily?.results).toBe(Results.FAILURE);
    const sentences = [];
    for (const child of [2, 4]) {
      const [build] = await engine.finished(child);
      expect(await engine.data.get(buildrequests, child)).toMatchObject({ results: Results.CANCELLED });
      sentences.push(
        build?.state_string ?? (await explainRequests(engine.database, [child])).get(child)?.[0]?.sentence,
      );
    }
    expect(sentences).toEqual([
      expect.stringContaining(`build 1, which waited for it, was stopped: ${why}`),
      expect.stringContaining('needs it no more: "hasty" has ended (there is no more to do)'),
    ]);
  });

  it("waits for what a scheduler master chooses, and fails with what it could not choose", async () => {
    const engine = await startEngine({
      parent: [trigger({ schedulerNames: ["kids"], waitForFinish: true, setProperties: { size: 2 } })],
      child: [shell({ command: "true" })],
    });
    const { schedulers } = engine.data.updates;
    const id = (await schedulers.register(["kids"])).get("kids") as number;
    await schedulers.claim(id);
    await schedulers.publish(id, { kind: "builds", triggerable: { asks: "now", codebases: {} } });
    const asked = async () =>
      (await waitFor(async () => (await schedulers.openTriggers(id))[0], { what: "a trigger" })) as { id: number };
    const buildset = { reason: "chosen", sourceStamps: [1], builders: ["child"], scheduler: "kids" };

    const good = await engine.submit("parent");
    expect(await asked()).toMatchObject({
      build: { buildid: 1, builder: "parent", number: 1 },
      properties: { size: 2 },
    });
    const { id: first } = await asked();
    const decisions = await Promise.all([1, 2].map(() => schedulers.decideTrigger(id, first, { buildset })));
    expect(decisions).toContain("taken");
    expect((await engine.finished(good))[0]?.results).toBe(Results.SUCCESS);
    expect(await engine.properties(2)).toMatchObject({ size: [2, "Trigger"] });

    const bad = await engine.submit("parent");
    await schedulers.decideTrigger(id, (await asked()).id, { refused: "no idea" });
    const [build] = await engine.finished(bad);
    expect(build?.results).toBe(Results.EXCEPTION);
    expect(await engine.logText((await stepOf(engine, build)).stepid, "err.text")).toBe(
      'The scheduler "kids" has not chosen what to build: no idea.\n',
    );
    // Whoever asked is over: nothing is built for it.
    const stopped = await engine.submit("parent");
    const { id: last } = await asked();
    await engine.data.updates.builds.requestStop(4, "not needed");
    await engine.finished(stopped);
    expect(await schedulers.decideTrigger(id, last, { buildset })).toBe("taken");
    expect((await engine.data.find(builds, {})).total).toBe(4);
  });

  it("does not wait for what is built at a scheduler's next time", async () => {
    const engine = await startEngine({
      parent: [trigger({ schedulerNames: ["kids"], waitForFinish: true })],
      child: [shell({ command: "true" })],
    });
    const { schedulers } = engine.data.updates;
    const id = (await schedulers.register(["kids"])).get("kids") as number;
    await schedulers.claim(id);
    await schedulers.publish(id, { kind: "times", triggerable: { asks: "later", codebases: {} } });
    for (const revision of ["r1", "r2"]) {
      const sourceStamps = [{ branch: "main", revision, repository: "", project: "", codebase: "" }];
      const [build] = await engine.finished(await engine.submit("parent", { sourceStamps }));
      expect(build?.results).toBe(Results.SUCCESS);
    }
    const shown = await engine.data.rest.get(["schedules"], new URLSearchParams());
    expect(shown.kind === "envelope" && shown.items[0]).toMatchObject({
      kept: { buildid: 2, sources: [{ codebase: "", branch: "main", revision: "r2" }] },
    });
    const [older, newest] = await schedulers.openTriggers(id);
    // One comes while the slot is decided: it stays for the next.
    await engine.finished(await engine.submit("parent"));
    const buildset = {
      reason: "at night",
      sourceStamps: [newest?.sourceStamps[0]?.ssid as number],
      builders: ["child"],
      scheduler: "kids",
    };
    const decision = { kind: "time", slot: 100, outcome: "built", passed: 0, trigger: newest?.id } as const;
    expect(await schedulers.decideSlot(id, { ...decision, submission: { buildset, changeids: [] } })).toMatchObject({
      bsid: 4,
    });
    expect(await engine.finished(4)).toMatchObject([{ results: Results.SUCCESS }]);
    expect((await schedulers.openTriggers(id)).map(({ build }) => build.buildid)).toEqual([3]);
    expect(older?.build.buildid).toBe(1);
    const child = await engine.data.get(buildrequests, 4);
    expect(child).toMatchObject({ waited_for: false });
    // What is decided is forgotten with its request; what is kept is not.
    await engine.data.updates.triggers.tidy();
    const { total } = await engine.data.find(builds, {});
    expect([total, (await schedulers.openTriggers(id)).length]).toEqual([4, 1]);
  });

  it("says in its log which scheduler is not there", async () => {
    const engine = await startEngine({ parent: [trigger({ schedulerNames: ["kids"] })] });
    const [build] = await engine.finished(await engine.submit("parent"));
    expect(build?.results).toBe(Results.EXCEPTION);
    expect(await engine.logText((await stepOf(engine, build)).stepid, "err.text")).toBe(
      'There is no triggerable scheduler "kids" (have: none).\n',
    );
  });

  it("finds them again when it is itself run again", async () => {
    const engine = await startEngine({
      parent: [trigger({ schedulerNames: ["kids"], waitForFinish: true })],
      child: [shell({ command: "sleep 1000" })],
    });
    await publish(engine, "kids", ["child"]);
    const request = await engine.submit("parent");
    await waitFor(async () => (await engine.running()) === 2, { what: "the child to run" });
    const now = new AbortController();
    now.abort();
    await engine.services.drain(now.signal);
    await engine.services.stop();
    // Both were released; the child is still wanted.
    expect(await engine.data.get(buildrequests, 2)).toMatchObject({ claimed: false, complete: false });

    const heir = await startEngine(
      {
        parent: [trigger({ schedulerNames: ["kids"], waitForFinish: true })],
        child: [shell({ command: "true" })],
      },
      { directory: engine.directory, name: "heir" },
    );
    expect((await heir.finished(request)).map(({ results }) => results)).toEqual([Results.RETRY, Results.SUCCESS]);
    expect((await heir.finished(2)).map(({ results }) => results)).toEqual([Results.RETRY, Results.SUCCESS]);
    expect((await heir.data.find(buildrequests, {})).total).toBe(2);
  });
});
