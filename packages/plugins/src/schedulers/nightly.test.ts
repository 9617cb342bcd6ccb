import { describe, expect, it } from "vitest";
import { runScheduler } from "../../../../test/harness/run-scheduler.ts";
import { createFakeClock, createSchedulerRows, makeChange } from "../../../../test/harness/scheduler-fakes.ts";
import nightly from "./nightly.ts";
import periodic from "./periodic.ts";

const hour = 3_600_000;
/** The fake clock begins here. */
const began = Date.parse("2023-11-14T22:13:20Z") / 1000;
const at = (time: string) => Date.parse(`2023-11-${time}:00Z`) / 1000;

type Options = Parameters<typeof nightly>[0];
const daily = (more: Partial<Options> = {}) =>
  nightly({ name: "s", branch: "main", builders: ["b"], hour: 2, minute: 30, ...more });

function world() {
  const rows = createSchedulerRows();
  const slots = () => [...rows.slots.values()].map(({ slot, outcome, passed }) => [slot, outcome, passed]);
  return { clock: createFakeClock(), rows, slots };
}

const issues = (options: Partial<Options>) =>
  daily({ hour: undefined, minute: undefined, ...options })
    .plugin.options.safeParse({ name: "s", builders: ["b"], ...options })
    .error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);

describe("a nightly scheduler", () => {
  it("builds the newest of its branch at each of its times, and shows the next one", async () => {
    const { clock, rows, slots } = world();
    const scheduler = await runScheduler(daily({ properties: { night: true }, priority: 3 }), rows, clock);
    expect(rows.published).toEqual({ kind: "times", nextRun: at("15T02:30") });
    expect(await scheduler.pass(4 * hour)).toEqual([]);
    await scheduler.pass(1_000_000);
    expect(slots()).toEqual([[at("15T02:30"), "built", 0]]);
    expect(rows.submissions[0]?.buildset).toEqual({
      reason: "The Nightly scheduler named 's' triggered this build",
      sourceStamps: [{ codebase: "", branch: "main", revision: null, repository: "", project: "" }],
      builders: ["b"],
      properties: { scheduler: ["s", "Scheduler"], night: [true, "Scheduler"] },
      priority: 3,
    });
    await scheduler.poll();
    expect(rows.published?.nextRun).toBe(at("16T02:30"));
    expect(rows.state.get("last_build")).toBe(at("15T02:30"));
  });

  it("makes up for the latest of the times at which no scheduler ran, or for none", async () => {
    for (const missed of ["run-once", "skip"] as const) {
      const { clock, rows, slots } = world();
      await (await runScheduler(daily({ missed }), rows, clock)).stop();
      clock.advance(72 * hour);
      await runScheduler(daily({ missed }), rows, clock);
      expect(slots()).toEqual([[at("17T02:30"), missed === "skip" ? "missed" : "built", 2]]);
      expect(rows.submissions.map(({ buildset }) => buildset?.reason)).toEqual(
        missed === "skip"
          ? []
          : ["The Nightly scheduler named 's' triggered this build (planned for 2023-11-17T02:30:00.000Z)"],
      );
    }
  });

  it("does not call a run late that begins a moment after its time, also if earlier ones were missed", async () => {
    const { clock, rows, slots } = world();
    await (await runScheduler(daily(), rows, clock)).stop();
    clock.advance(52 * hour + 1_000_200);
    await runScheduler(daily(), rows, clock);
    expect(slots()).toEqual([[at("17T02:30"), "built", 2]]);
    expect(rows.submissions.map(({ buildset }) => buildset?.reason)).toEqual([
      "The Nightly scheduler named 's' triggered this build",
    ]);
  });

  it("counts from now on when its times are others", async () => {
    const { clock, rows, slots } = world();
    await (await runScheduler(daily(), rows, clock)).stop();
    clock.advance(12 * hour);
    await runScheduler(daily({ hour: 9, minute: 0 }), rows, clock);
    expect(slots()).toEqual([]);
    expect(rows.published?.nextRun).toBe(at("16T09:00"));
  });

  it("builds only what has changed since its last build, if it is to", async () => {
    const { clock, rows, slots } = world();
    const fileIsImportant = ({ files }: { files: string[] }) => !files.includes("README");
    const scheduler = await runScheduler(daily({ onlyIfChanged: true, fileIsImportant }), rows, clock);
    rows.unseen.push(makeChange(1, { files: ["README"] }), makeChange(2, { branch: "dev" }));
    await scheduler.pass(5 * hour);
    expect(slots()).toEqual([[at("15T02:30"), "unchanged", 0]]);
    rows.unseen.push(makeChange(3), makeChange(4));
    expect(await scheduler.pass(24 * hour)).toEqual([[1, 3, 4]]);
    expect(rows.submissions[0]?.buildset?.sourceStamps).toEqual([1004]);
    expect(await scheduler.pass(24 * hour)).toHaveLength(1);
    expect(slots().at(-1)).toEqual([at("17T02:30"), "unchanged", 0]);
  });

  it("builds the same revision again without a newer change, with absolute source stamps", async () => {
    const { clock, rows } = world();
    const codebases = { "": { repository: "r" } };
    const scheduler = await runScheduler(daily({ createAbsoluteSourceStamps: true, codebases }), rows, clock);
    rows.unseen.push(makeChange(1));
    await scheduler.pass(5 * hour);
    await scheduler.pass(24 * hour);
    expect(rows.submissions.map(({ buildset }) => buildset?.sourceStamps)).toEqual([
      [1001],
      [{ codebase: "", branch: "main", revision: "r1", repository: "https://example.org/r.git", project: "" }],
    ]);
  });

  it("shows which function of the config failed, and goes on with its next time", async () => {
    const { clock, rows, slots } = world();
    let fails = true;
    const builders = () => {
      if (fails) throw new Error("not today");
      return ["b", "typo"];
    };
    const scheduler = await runScheduler(daily({ builders }), rows, clock);
    rows.builders.add("b");
    await scheduler.pass(4 * hour);
    expect(slots()).toEqual([]);
    await scheduler.pass(1_000_000);
    expect(slots()).toEqual([[at("15T02:30"), "failed", 0]]);
    expect(rows.problem).toBe('the function "builders" failed (not today) for main');
    fails = false;
    await scheduler.pass(24 * hour);
    expect(rows.problem).toBe('"builders" chose "typo" for main, and there is no such builder');
    expect(rows.submissions.map(({ buildset }) => buildset?.builders)).toEqual([["b"]]);
  });

  it("refuses times that it cannot read, or that never come", () => {
    expect(issues({ cron: "0 2 30 2 *" })).toEqual([
      "cron: never runs: no month of those given (2) has a day 30; write a day up to 29, or other months",
    ]);
    expect(issues({ cron: "@nightly" })?.[0]).toContain("write five fields, or one of @hourly, @daily,");
    expect(issues({ minute: [] })).toHaveLength(1);
    expect(issues({ month: 2, dayOfMonth: 31 })?.[0]).toContain("dayOfMonth: never runs");
    expect(issues({ hour: 24 })?.[0]).toContain('hour: "24" is no hour');
    expect(issues({ cron: "@daily", hour: 2 })).toEqual(['hour: has no effect beside "cron": keep one of them']);
    expect(issues({ cron: "0 2 * * monkey" })?.[0]).toContain('cron: "monkey" is no dayOfWeek');
    expect(issues({ month: "marching" })?.[0]).toContain('month: "marching" is no month');
    expect(issues({ cron: "0 2 * sept Thurs-sunday" })).toBeUndefined();
    expect(issues({ cron: "*/90 * * * *" })).toEqual([
      'cron: "*/90" is only the minute 0: the step of 90 leads past 59; write "0", or a step up to 59',
    ]);
    expect(issues({ hour: "8-12/5" })).toEqual([
      'hour: "8-12/5" is only the hour 8: the step of 5 leads past 12; write "8", or a step up to 4',
    ]);
    expect(issues({ cron: "*/45 */23 * * 1-5/4" })).toBeUndefined();
    expect(issues({ timeZone: "Berlin" })).toEqual([
      'timeZone: "Berlin" is no time zone: write a name such as "Europe/Berlin" or "UTC"',
    ]);
    expect(issues({ cron: "@daily", timeZone: "Europe/Berlin" })).toBeUndefined();
  });

  it("lists all fields that are wrong together, also beside an option that there is not", () => {
    const wrong = { minute: 70, hour: 24, month: "foo", timeZone: "Berlin", timezone: "UTC" };
    expect(
      issues(wrong)
        ?.map((issue) => issue.split(":")[0])
        .toSorted(),
    ).toEqual(["hour", "minute", "month", "timeZone", ""].toSorted());
  });
});

describe("a periodic scheduler", () => {
  it("builds when it starts for the first time, and then each time after so long", async () => {
    const { clock, rows, slots } = world();
    const often = () => periodic({ name: "s", branch: "main", builders: ["b"], every: "4h" });
    const scheduler = await runScheduler(often(), rows, clock);
    expect(slots()).toEqual([[began, "built", 0]]);
    await scheduler.pass(4 * hour);
    await scheduler.stop();
    clock.advance(9 * hour);
    await runScheduler(often(), rows, clock);
    expect(slots().slice(1)).toEqual([
      [began + 4 * 3600, "built", 0],
      [began + 12 * 3600, "built", 1],
    ]);
  });

  it("catches up at once after a very long time", async () => {
    const { clock, rows, slots } = world();
    const each = () => periodic({ name: "s", builders: ["b"], every: "1s", runAtStart: false });
    await (await runScheduler(each(), rows, clock)).stop();
    clock.advance(30 * 24 * hour);
    await runScheduler(each(), rows, clock);
    expect(slots()).toEqual([[began + 30 * 24 * 3600, "built", 1000]]);
  });
});
