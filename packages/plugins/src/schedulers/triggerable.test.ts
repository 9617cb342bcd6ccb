import { describe, expect, it } from "vitest";
import { runScheduler } from "../../../../test/harness/run-scheduler.ts";
import {
  createFakeClock,
  createSchedulerRows,
  fakeSchedulerContext,
} from "../../../../test/harness/scheduler-fakes.ts";
import type { SchedulerDefinition } from "../define-scheduler.ts";
import triggerable from "./triggerable.ts";

async function publish(options: Parameters<typeof triggerable>[0]) {
  const plugin = triggerable(options).plugin as SchedulerDefinition;
  const rows = createSchedulerRows();
  const context = fakeSchedulerContext(rows, options.name, createFakeClock());
  await (await plugin.start(context, plugin.options.parse(options))).stop();
  expect(rows.published?.kind).toBe("builds");
  return rows.published?.triggerable;
}

describe("a triggerable scheduler", () => {
  it("publishes what it builds, for the steps that trigger it", async () => {
    expect(await publish({ name: "deploy", builders: ["web", "db"] })).toEqual({
      builders: ["web", "db"],
      properties: {},
      priority: 0,
      reason: "The Triggerable scheduler named 'deploy' triggered this build",
      codebases: {},
    });
    const more = {
      properties: { where: "test" },
      priority: 5,
      reason: "as asked",
      codebases: { app: { branch: "main" } },
    };
    expect(await publish({ name: "deploy", builders: ["web"], ...more })).toEqual({
      builders: ["web"],
      ...more,
      codebases: { app: { branch: "main", revision: null, repository: "", project: "" } },
    });
  });

  it("with functions, builds what they choose of each trigger, and refuses what they cannot choose", async () => {
    const rows = createSchedulerRows();
    const clock = createFakeClock();
    for (const name of ["web", "db"]) rows.builders.add(name);
    const ask = (id: number, target: string) =>
      rows.triggers.push({
        id,
        build: { buildid: id, builder: "parent", number: id },
        sourceStamps: [{ ssid: 7, codebase: "", branch: "main", revision: null, repository: "", project: "" }],
        changeids: [],
        properties: { target },
      });
    let answer: () => void = () => {};
    const options: Parameters<typeof triggerable>[0] = {
      name: "s",
      builders: ({ trigger }) => {
        const target = String(trigger?.properties["target"]);
        if (target === "bad") throw new Error("no such target");
        if (target === "slow") return new Promise((resolve) => (answer = () => resolve(["db"])));
        return target === "none" ? [] : [target];
      },
      priority: ({ trigger }) => (trigger?.number ?? 0) * 10,
    };
    const scheduler = await runScheduler(triggerable(options), rows, clock);
    expect(rows.published).toEqual({ kind: "builds", triggerable: { asks: "now", codebases: {} } });
    ask(1, "web");
    ask(2, "bad");
    ask(3, "typo");
    ask(4, "none");
    await scheduler.poll();
    expect(rows.submissions.map(({ buildset }) => [buildset?.builders, buildset?.sourceStamps])).toEqual([
      [["web"], [7]],
      [[], [7]],
    ]);
    expect(rows.submissions[0]?.buildset?.priority).toBe(10);
    expect(rows.refused).toEqual([
      'the function "builders" failed (no such target) for a trigger of parent #2',
      '"builders" chose "typo" for a trigger of parent #3, and there is no such builder',
    ]);
    expect(rows.problem).toContain("and 1 more");
    // What was shown stays until another trigger; one that never answers is given up.
    await scheduler.poll();
    expect(rows.problem).not.toBeNull();
    ask(5, "slow");
    const refused = scheduler.poll();
    for (let i = 0; i < 20 && rows.refused.length < 3; i++) {
      await new Promise((resolve) => setImmediate(resolve));
      clock.advance(10_000);
    }
    await refused;
    expect(rows.refused.at(-1)).toBe('the function "builders" returned nothing within 10 s for a trigger of parent #5');
    answer();
  });

  it("leaves triggers open while its function rests, and those of others are decided", async () => {
    const rows = createSchedulerRows();
    const clock = createFakeClock();
    rows.builders.add("web");
    const ask = (id: number) =>
      rows.triggers.push({
        id,
        build: { buildid: id, builder: "parent", number: id },
        sourceStamps: [],
        changeids: [],
        properties: {},
      });
    const options: Parameters<typeof triggerable>[0] = {
      name: "s",
      builders: ({ trigger }) => {
        while (trigger?.number === 1);
        return ["web"];
      },
    };
    const scheduler = await runScheduler(triggerable(options), rows, clock);
    ask(1);
    ask(2);
    await scheduler.poll();
    const blocked = expect.stringContaining("for a trigger of parent #1");
    expect(rows.refused).toEqual([blocked]);
    expect(rows.triggers.map(({ id }) => id)).toEqual([2]);
    expect(rows.problem).toContain("; triggers wait until it is called again, a minute later");
    // Another one has its own functions.
    const otherRows = createSchedulerRows();
    otherRows.builders.add("web");
    otherRows.triggers.push(...rows.triggers);
    await runScheduler(triggerable(options), otherRows, clock);
    expect(otherRows.submissions).toHaveLength(1);
    clock.advance(60_000);
    await scheduler.poll();
    expect(rows.submissions.map(({ buildset }) => buildset?.builders)).toEqual([["web"]]);
    expect(rows.refused).toHaveLength(1);
  });

  it("is known as one that steps may trigger", () => {
    const { plugin } = triggerable({ name: "deploy", builders: ["web"] });
    expect(plugin.triggerable).toBe(true);
    expect(plugin.builderNames?.({ builders: ["web"] })).toEqual(["web"]);
  });
});
