import { type Json, Results } from "@multimaster/core";
import { equals, triggerItems } from "@multimaster/data";
import { queryRows } from "@multimaster/database";
import setProperties from "@multimaster/plugins/steps/set-properties";
import shell from "@multimaster/plugins/steps/shell";
import sleep from "@multimaster/plugins/steps/sleep";
import trigger from "@multimaster/plugins/steps/trigger";
import { describe, expect, it } from "vitest";
import { type Engine, type Steps, startEngine } from "../../harness/engine.ts";
import { isLong } from "../../harness/long-form.ts";
import { evictDead, expire, makeSteady } from "../../harness/members.ts";
import { newSchemaUrl } from "../../harness/test-databases.ts";
import { waitFor } from "../../harness/wait-for.ts";

/** Makes a scheduler known, as the scheduler's master does. */
async function publish(engine: Engine, name: string, builders: string[]): Promise<void> {
  const id = (await engine.data.updates.schedulers.register([name])).get(name) as number;
  const rest = { properties: {}, priority: 0, reason: "triggered", codebases: {} };
  await engine.data.updates.schedulers.publish(id, { kind: "builds", triggerable: { builders, ...rest } });
}

/** How the items of a build ended, from the log of its step. */
async function itemsOf(engine: Engine, buildid = 1): Promise<string[][]> {
  const step = (await engine.stepsOf(buildid))[1];
  const text = await engine.logText(step?.stepid as number, "items");
  return text
    .trim()
    .split("\n")
    .map((line) => line.split("\t").slice(0, 3));
}

const item = (name: string, after: string[] = [], properties: Record<string, Json> = {}) => ({
  name,
  after,
  properties,
});

describe("a trigger of items", () => {
  it("builds each after those that it names, and what follows a failure not at all", async () => {
    const engine = await startEngine({
      parent: [
        shell({ name: "list", command: "echo app", property: "last" }),
        trigger({
          schedulerNames: ["kids"],
          setProperties: { colour: "red", fails: false },
          items: (b) => [
            item("lib"),
            item("broken", ["lib"], { fails: true }),
            item("uses broken", ["broken"]),
            item("further", ["uses broken", "lib"]),
            item(String(b.property("last")), ["lib"], { colour: "green" }),
          ],
        }),
      ],
      child: [
        shell({
          name: "make",
          command: "echo compiling; echo 'x.c:3: error: no such thing'; echo done; exit 1",
          doStepIf: (b) => b.property("fails") === true,
        }),
      ],
    });
    await publish(engine, "kids", ["child"]);
    const [build] = await engine.finished(await engine.submit("parent"));
    expect(build?.results).toBe(Results.FAILURE);
    const step = (await engine.stepsOf(1))[2];
    expect(step?.state_string).toBe("5 items, 2 success, 1 failure, 2 skipped (failure)");
    const text = await engine.logText(step?.stepid as number, "items");
    const lines = text
      .trim()
      .split("\n")
      .map((line) => line.split("\t").slice(0, 3));
    expect(lines.map(([result, name]) => `${name}: ${result}`)).toEqual([
      "lib: success",
      "broken: failure",
      "uses broken: skipped",
      "further: skipped",
      "app: success",
    ]);
    expect(lines[2]?.[2]).toBe('not built: "broken" has not succeeded');
    const rows = (await engine.data.find(triggerItems, { filters: [equals("buildid", 1)], order: ["rank", "number"] }))
      .rows;
    expect(
      rows.map(({ name, state, results, note, builds, reasons }) => [
        name,
        state,
        results,
        note,
        builds.length,
        reasons,
      ]),
    ).toEqual([
      ["broken", "ended", 2, "make: x.c:3: error: no such thing", 1, []],
      ["uses broken", "ended", 3, 'not built: "broken" has not succeeded', 0, []],
      ["further", "ended", 3, 'not built: "uses broken" has not succeeded', 0, []],
      ["lib", "ended", 0, null, 1, []],
      ["app", "ended", 0, null, 1, []],
    ]);
    expect(rows[0]?.builds).toMatchObject([{ builder: "child", results: 2 }]);
    expect((await engine.properties(2))["colour"]).toEqual(["red", "Trigger"]);
  });

  it("says what is wrong with a list", async () => {
    const engine = await startEngine({
      circle: [trigger({ schedulerNames: ["kids"], items: [item("a", ["b"]), item("b", ["a"]), item("c")] })],
      unknown: [trigger({ schedulerNames: ["kids"], items: [item("a", ["x"])] })],
      twice: [trigger({ schedulerNames: ["kids"], items: [item("a"), item("a")] })],
      none: [trigger({ schedulerNames: ["kids"], items: [] })],
    });
    const sentence = async (builder: string) => {
      const [build] = await engine.finished(await engine.submit(builder));
      const step = (await engine.stepsOf(build?.buildid as number))[1];
      return step?.results === 0 ? step.state_string : engine.logText(step?.stepid as number, "err.text");
    };
    expect(await sentence("circle")).toMatch(/"[ab]" waits, through other items, for itself/);
    expect(await sentence("unknown")).toContain('"a" comes after "x", which is no item');
    expect(await sentence("twice")).toContain('two items are named "a"');
    expect(await sentence("none")).toBe("0 items");
  });

  const count = isLong ? 2000 : 40;

  it(`of ${count} builds each once on two engines, of which one dies`, { timeout: 900_000 }, async () => {
    const url = await newSchemaUrl("postgresql");
    const names = Array.from({ length: count }, (_, i) => `item ${i}`);
    const steps: Record<string, Steps> = {
      parent: [
        trigger({
          schedulerNames: ["kids"],
          maxInFlight: 30,
          items: names.map((name) => item(name, [], { is: name })),
        }),
      ],
      child: [setProperties({ properties: { done: true } }), sleep({ time: "5ms" })],
    };
    const on = (name: string, worker: string) =>
      startEngine(steps, {
        url,
        name,
        workers: { workers: [{ name: worker, local: true, maxBuilds: 8 }] },
        more: { workers: [worker] },
      });
    const first = await on("first", "w1");
    await publish(first, "kids", ["child"]);
    const request = await first.submit("parent");
    const ended = async (engine: Engine) =>
      Number(
        (
          await queryRows<{ n: number }>(
            engine.database,
            "select count(*) as n from builds where results = 0 and complete_at is not null",
          )
        )[0]?.n,
      );
    await waitFor(async () => (await ended(first)) >= count / 10, { what: "a part of the items", timeoutMs: 300_000 });
    const second = await on("second", "w2");
    await waitFor(async () => (await ended(second)) >= count / 4, { what: "both engines to work", timeoutMs: 300_000 });
    first.loseLease();
    await first.services.stop();
    // Again until it is done: what the engines still write meanwhile may look like a sign of life.
    const evict = async () => {
      await makeSteady(second.database, second.lease);
      await expire(second.database, first.lease);
      return (await evictDead(second.database, second.lease)).length > 0;
    };
    await waitFor(evict, { what: "the engine to be evicted" });
    await waitFor(async () => (await second.finished(request)).length > 0, { what: "the parent", timeoutMs: 800_000 });
    const parents = await second.finished(request);
    expect(parents.map(({ results }) => results)).toEqual([Results.RETRY, Results.SUCCESS]);
    // Each item has one buildset, one request, and one build that has not been lost.
    const rows = await queryRows<{ is: string; results: number; builds: number }>(
      second.database,
      `select p.property_value as "is", r.results,
              (select count(*) from builds b where b.buildrequestid = r.id and b.results <> 5) as builds
         from buildset_properties p join buildrequests r on r.buildsetid = p.buildsetid where p.property_name = 'is'`,
    );
    expect(rows).toHaveLength(count);
    expect(new Set(rows.map((row) => row.is)).size).toBe(count);
    expect(rows.filter((row) => Number(row.results) !== 0 || Number(row.builds) !== 1)).toEqual([]);
    const items = await itemsOf(second, parents[1]?.buildid);
    expect(items.map(([result, name]) => `${name} ${result}`)).toEqual(names.map((name) => `${name} success`));
  });
});
