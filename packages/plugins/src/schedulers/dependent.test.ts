import { describe, expect, it } from "vitest";
import { runScheduler } from "../../../../test/harness/run-scheduler.ts";
import { createFakeClock, createSchedulerRows } from "../../../../test/harness/scheduler-fakes.ts";
import dependent from "./dependent.ts";

const stamp = { ssid: 7, codebase: "", branch: "main", revision: "r7", repository: "r", project: "" };
const upstream = (bsid: number) => ({ bsid, sourceStamps: [stamp], changeids: [] });

describe("a dependent scheduler", () => {
  it("builds the sources of each successful buildset once, also what ended while it did not run", async () => {
    const rows = createSchedulerRows();
    const full = () => dependent({ name: "s", upstream: "smoke", builders: ["full"], priority: 2 });
    rows.upstream.push(upstream(1));
    const scheduler = await runScheduler(full(), rows, createFakeClock());
    expect(rows.published?.kind).toBe("buildsets");
    expect(rows.submissions.map(({ buildset }) => buildset)).toEqual([
      {
        reason: "The Dependent scheduler named 's' triggered this build",
        sourceStamps: [7],
        builders: ["full"],
        properties: { scheduler: ["s", "Scheduler"] },
        priority: 2,
      },
    ]);
    expect(await scheduler.poll()).toHaveLength(1);
    await scheduler.stop();
    rows.upstream.push(upstream(2));
    await runScheduler(full(), rows, createFakeClock());
    expect([...rows.slots.keys()]).toEqual(["buildset 1", "buildset 2"]);
  });

  it("tries again what a function of its config could not choose, and goes on with the others", async () => {
    const rows = createSchedulerRows();
    rows.builders.add("full");
    let fails = true;
    const builders = ({ sourceStamps: [first] }: { sourceStamps: readonly { branch: string | null }[] }) => {
      if (fails && first?.branch === "dev") throw new Error("no idea");
      return first?.branch === "docs" ? [] : ["full"];
    };
    rows.upstream.push({ ...upstream(1), sourceStamps: [{ ...stamp, branch: "dev" }] }, upstream(2), {
      ...upstream(3),
      sourceStamps: [{ ...stamp, branch: "docs" }],
    });
    const scheduler = await runScheduler(
      dependent({ name: "s", upstream: ["a", "b"], builders }),
      rows,
      createFakeClock(),
    );
    expect([...rows.slots.values()].map(({ slot, outcome }) => [slot, outcome])).toEqual([
      [2, "built"],
      [3, "unchanged"],
    ]);
    expect(rows.problem).toBe('the function "builders" failed (no idea) for dev');
    fails = false;
    await scheduler.poll();
    expect(rows.slots.has("buildset 1")).toBe(true);
    expect(rows.problem).toBeNull();
  });

  it("goes on behind any number of those that it could not choose for", async () => {
    const rows = createSchedulerRows();
    rows.builders.add("full");
    const builders = ({ sourceStamps: [first] }: { sourceStamps: readonly { branch: string | null }[] }) => {
      if (first?.branch === "dev") throw new Error("no idea");
      return ["full"];
    };
    for (let bsid = 1; bsid <= 250; bsid++)
      rows.upstream.push({ ...upstream(bsid), sourceStamps: [{ ...stamp, branch: "dev" }] });
    rows.upstream.push(upstream(251));
    await runScheduler(dependent({ name: "s", upstream: "a", builders }), rows, createFakeClock());
    expect([...rows.slots.keys()]).toEqual(["buildset 251"]);
  });
});
