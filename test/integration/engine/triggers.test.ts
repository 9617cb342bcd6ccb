import { Results } from "@multimaster/core";
import { buildrequests, builds } from "@multimaster/data";
import shell from "@multimaster/plugins/steps/shell";
import trigger from "@multimaster/plugins/steps/trigger";
import { describe, expect, it } from "vitest";
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
