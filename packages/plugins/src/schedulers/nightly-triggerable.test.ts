import { describe, expect, it } from "vitest";
import { runScheduler } from "../../../../test/harness/run-scheduler.ts";
import { createFakeClock, createSchedulerRows } from "../../../../test/harness/scheduler-fakes.ts";
import nightlyTriggerable from "./nightly-triggerable.ts";

const hour = 3_600_000;
/** The fake clock begins at 2023-11-14T22:13:20Z. */
const at = (time: string) => Date.parse(`2023-11-${time}:00Z`) / 1000;

const trigger = (id: number) => ({
  id,
  build: { buildid: id + 40, builder: "all", number: id },
  sourceStamps: [{ ssid: id, codebase: "", branch: "main", revision: `r${id}`, repository: "r", project: "" }],
  changeids: [],
  properties: {},
});

type Options = Parameters<typeof nightlyTriggerable>[0];
const release = (more: Partial<Options> = {}) =>
  nightlyTriggerable({ name: "s", builders: ["b"], hour: 2, minute: 30, ...more });

function world() {
  const rows = createSchedulerRows();
  const slots = () => [...rows.slots.values()].map(({ slot, outcome }) => [slot, outcome]);
  return { clock: createFakeClock(), rows, slots };
}

describe("a nightly triggerable scheduler", () => {
  it("builds at its time what it was triggered with last, and nothing without a trigger", async () => {
    const { clock, rows, slots } = world();
    const scheduler = await runScheduler(release({ properties: { night: true } }), rows, clock);
    expect(rows.published).toEqual({
      kind: "times",
      nextRun: at("15T02:30"),
      triggerable: { asks: "later", codebases: {} },
    });
    rows.triggers.push(trigger(1), trigger(2));
    expect(await scheduler.pass(4 * hour)).toEqual([]);
    await scheduler.pass(1_000_000);
    expect(rows.submissions.map(({ buildset }) => buildset)).toEqual([
      {
        reason: "The NightlyTriggerable scheduler named 's' triggered this build",
        sourceStamps: [2],
        builders: ["b"],
        properties: { scheduler: ["s", "Scheduler"], night: [true, "Scheduler"] },
        priority: 0,
      },
    ]);
    expect(rows.triggers).toEqual([]);
    await scheduler.pass(24 * hour);
    expect(slots()).toEqual([
      [at("15T02:30"), "built"],
      [at("16T02:30"), "unchanged"],
    ]);
  });

  it("keeps the trigger that a function cannot decide, and that of a time which it missed", async () => {
    const { clock, rows, slots } = world();
    rows.builders.add("b");
    let fails = true;
    const builders: Options["builders"] = ({ trigger }) => {
      if (fails) throw new Error("not today");
      return trigger?.builder === "all" ? ["b"] : [];
    };
    const scheduler = await runScheduler(release({ builders }), rows, clock);
    rows.triggers.push(trigger(1));
    await scheduler.pass(5 * hour);
    await scheduler.poll();
    expect(rows.problem).toBe('the function "builders" failed (not today) for a trigger of all #1');
    await scheduler.stop();
    fails = false;
    clock.advance(24 * hour);
    await (await runScheduler(release({ builders, missed: "skip" }), rows, clock)).stop();
    expect(rows.triggers).toHaveLength(1);
    clock.advance(24 * hour);
    await runScheduler(release({ builders }), rows, clock);
    expect(slots().map(([, outcome]) => outcome)).toEqual(["failed", "missed", "built"]);
    expect(rows.triggers).toEqual([]);
  });

  it("is known as one that steps may trigger, and refuses times that never come", () => {
    const { plugin } = release();
    expect(plugin.triggerable).toBe(true);
    const wrong = plugin.options.safeParse({ name: "s", builders: ["b"], hour: 2, runAtStart: true });
    expect(wrong.error?.issues.map(({ message }) => message)).toEqual([expect.stringContaining("runAtStart")]);
    expect(
      plugin.options.safeParse({ name: "s", builders: ["b"], cron: "0 2 30 2 *" }).error?.issues[0]?.message,
    ).toContain("never runs");
  });
});
