import type { DrainReport, MasterStatus } from "@multimaster/operator/upgrade-rows";
import { describe, expect, it } from "vitest";
import type { Replacement } from "./plan.ts";
import type { Successor } from "./start-successor.ts";
import { drainOrder, type UpgradeTools, upgradeMasters } from "./upgrade-masters.ts";

const requests = { before: 0, finished: 0, handedOver: 0, retried: 0, running: 0, lost: 0 };

function status(name: string, pid: number, roles: readonly string[]): MasterStatus {
  return { name, pid, roles, host: "here", alive: true, state: "running", release: "2" } as MasterStatus;
}

function replacement(name: string, pid: number, ...roles: string[]): Replacement {
  return { old: status(name, pid, roles), name: `${name}-2`, roles, builderSets: "all" };
}

const plan = [
  replacement("engine", 1, "builder-engine"),
  replacement("all", 2, "scheduler", "builder-engine", "ui"),
  replacement("ui", 3, "ui"),
  replacement("scheduler", 4, "scheduler"),
];

/** A host on which everything goes as it should, except for what a test changes; what is done is noted. */
function host(changes: { outcome?: DrainReport["outcome"]; onDrain?(name: string): void } = {}) {
  const done: string[] = [];
  const rows = new Map<string, MasterStatus>();
  const failures = new Map<string, string>();
  const interrupt = new AbortController();
  const tools: UpgradeTools = {
    rows: {
      masters: async () => [...rows.values()],
      async drain(master) {
        done.push(`drain ${master.name}`);
        changes.onDrain?.(master.name);
        return { outcome: changes.outcome ?? "ended", seconds: 1, requests };
      },
    },
    release: "2",
    start(one): Successor {
      const pid = one.old.pid + 100;
      let isGone = false;
      done.push(`start ${one.name}`);
      rows.set(one.name, status(one.name, pid, one.roles));
      return {
        replacement: one,
        pid,
        logFile: `${one.name}.log`,
        failure: () => failures.get(one.name),
        isGone: () => isGone,
        signal(signal) {
          done.push(`${signal} ${one.name}`);
          rows.delete(one.name);
          isGone = true;
        },
      };
    },
    askReady: async () => true,
    readyTimeoutMs: 0,
    deadlineMs: undefined,
    interrupted: interrupt.signal,
    print: () => {},
  };
  return { tools, done, rows, failures, interrupt };
}

describe("an upgrade", () => {
  it("drains schedulers, then what serves people, then engines, after all successors are ready", async () => {
    const { tools, done } = host();
    expect(drainOrder(plan).map((wave) => wave.map(({ old }) => old.name))).toEqual([
      ["scheduler"],
      ["ui"],
      ["engine", "all"],
    ]);
    expect(await upgradeMasters(plan, tools)).toMatchObject({ outcome: "upgraded" });
    expect(done.slice(0, 4).every((step) => step.startsWith("start"))).toBe(true);
    expect(done.slice(4)).toEqual(["drain scheduler", "drain ui", "drain engine", "drain all"]);
  });

  it.each<[string, (of: ReturnType<typeof host>) => void, string]>([
    ["ends", ({ failures }) => failures.set("ui-2", "ended with exit code 3"), "ui-2 ended with exit code 3"],
    ["is not ready in time", ({ tools }) => (tools.askReady = async () => "ui: starting"), "engine-2 (ui: starting)"],
    ["is of another release", ({ tools }) => (tools.release = "3"), "engine-2 (it runs release 2, not 3)"],
    [
      "cannot be seen",
      ({ tools }) => (tools.rows.masters = () => Promise.reject(new Error("no database"))),
      "no database",
    ],
  ])("ends all successors and drains no one when one %s", async (_, change, why) => {
    const given = host();
    change(given);
    const report = await upgradeMasters(plan, given.tools);
    expect(report).toMatchObject({ outcome: "undone", sentence: expect.stringContaining(why) });
    expect(report.sentence).toContain("The new ones that were started have ended; the old masters run as before.");
    expect(given.done.slice(4)).toEqual(plan.map(({ name }) => `SIGTERM ${name}`));
    expect(report.masters.map(({ state, successor }) => [state, successor.state])).toEqual(
      plan.map(() => ["running", "ended"]),
    );
  });

  it("undoes everything when it is interrupted before all are ready", async () => {
    const { tools, done, interrupt } = host();
    tools.askReady = async () => "ui: starting";
    interrupt.abort();
    expect(await upgradeMasters(plan, tools)).toMatchObject({
      outcome: "undone",
      sentence: expect.stringContaining("Nothing was upgraded: it was interrupted"),
    });
    expect(done.slice(4)).toEqual(plan.map(({ name }) => `SIGTERM ${name}`));
  });

  it("drains no further master when a successor is gone", async () => {
    const given = host({ onDrain: (name) => void (name === "ui" && given.rows.delete("engine-2")) });
    const { outcome, sentence } = await upgradeMasters(plan, given.tools);
    expect(outcome).toBe("incomplete");
    expect(sentence).toBe(
      "The upgrade is not complete: no longer ready: engine-2. The new masters stay. " +
        "These were not drained, and run beside the new ones: engine (pid 1), all (pid 2).",
    );
    expect(given.done.slice(4)).toEqual(["drain scheduler", "drain ui"]);
  });

  it("says who still drains when a drain does not end", async () => {
    const { tools, done } = host({ outcome: "draining" });
    const { outcome, sentence } = await upgradeMasters(plan, tools);
    expect(outcome).toBe("incomplete");
    expect(sentence).toContain("not drained within the deadline");
    expect(sentence).toContain("These are draining, and end by themselves: scheduler (pid 4).");
    expect(done.slice(4)).toEqual(["drain scheduler"]);
  });

  it("says who died instead of ending in order", async () => {
    const { tools } = host({ outcome: "died" });
    const { outcome, sentence } = await upgradeMasters(plan.slice(0, 1), tools);
    expect(outcome).toBe("incomplete");
    expect(sentence).toContain("These ended without releasing their work: engine (pid 1)");
  });
});
