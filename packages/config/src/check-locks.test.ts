import { describe, expect, it } from "vitest";
import { z } from "zod";
import { checkAwaitedLocks } from "./check-lock-waits.ts";
import { checkLimitedWorkers, checkLocks } from "./check-locks.ts";
import { defineLock, lockUses } from "./locks.ts";
import { type BuildersSliceInput, buildersSlice, warningsOfBuilders } from "./slices/builders.ts";
import type { SchedulerSlice } from "./slices/scheduler.ts";

type Uses = ReturnType<ReturnType<typeof defineLock>["exclusive"]>[];

const step = (locks?: unknown) => ({
  plugin: { kind: "step", type: "shell", options: z.unknown() },
  options: locks === undefined ? {} : { locks },
});
const builder = (name: string, locks: unknown, ...steps: unknown[]) => ({
  name,
  workers: ["w"],
  locks,
  steps: steps.length === 0 ? [step()] : steps,
});
const slice = (...builders: unknown[]) => buildersSlice.parse({ builders } as unknown as BuildersSliceInput);
const check = (...builders: unknown[]) => checkLocks(new Map([["team", slice(...builders)]]), (name) => name);

const db = defineLock({ name: "db", max: 3 });
const board = defineLock({ name: "board", resources: ["b1", "b2"] });

describe("locks of a config", () => {
  it("are the same wherever they have the same name", () => {
    expect(
      check(builder("one", [db.counting()]), builder("two", [defineLock({ name: "db", max: 3 }).exclusive()])),
    ).toEqual([]);
    expect(
      check(builder("one", [db.counting()]), builder("two", [], step([defineLock({ name: "db" }).exclusive()]))),
    ).toEqual([
      'builders.team: builders[1].steps[0].locks: the lock "db" differs from the one at builders.team: builders[0].locks; define it once and import it',
    ]);
  });

  it("are refused where builds could wait for each other in a circle", () => {
    const fine = builder("one", [db.counting()], step([board.counting()]));
    expect(check(fine, builder("two", [db.exclusive()], step([board.exclusive()])))).toEqual([]);
    const problems = check(fine, builder("two", [board.counting()], step([db.counting()])));
    expect(problems.join("\n")).toContain('builders[1].steps[0].locks: "db" is taken while "board" is held');
    expect(problems).toHaveLength(2);
  });

  it("are refused of a step that wants more than its build has", () => {
    const problem = expect.stringContaining('its build already has the lock "db", but less of it');
    expect(check(builder("one", [db.counting()], step([db.exclusive()])))).toEqual([problem]);
    expect(check(builder("one", [db.counting()], step([db.counting(2)])))).toEqual([problem]);
    expect(check(builder("one", [db.exclusive()], step([db.counting(2)])))).toEqual([]);
  });

  it("are refused where a step waits for builds that need what its own build has", () => {
    const waiting = (locks: Uses, ofStep?: Uses) =>
      builder("parent", locks, {
        ...step(ofStep),
        plugin: { ...step().plugin, awaits: () => ["children"] },
      });
    const scheduler = {
      changeSources: [],
      schedulers: [
        {
          plugin: { kind: "scheduler", type: "t", options: z.unknown(), builderNames: () => ["child"] },
          options: { name: "children" },
        },
      ],
    } as unknown as SchedulerSlice;
    const checkWaits = (parent: unknown, child: unknown) =>
      checkAwaitedLocks(new Map([["team", slice(parent, child)]]), scheduler, (name) => name);
    const problem = expect.stringContaining(
      'builders[0].steps[0]: waits for builds of "child", which need the lock "db" that this build has',
    );
    expect(checkWaits(waiting([db.exclusive()]), builder("child", [db.counting()]))).toEqual([problem]);
    expect(checkWaits(waiting([], [db.counting(2)]), builder("child", [], step([db.counting(2)])))).toEqual([problem]);
    expect(checkWaits(waiting([db.counting()]), builder("child", [db.counting(2)]))).toEqual([]);
    expect(checkWaits(waiting([board.counting()]), builder("child", [db.exclusive()]))).toEqual([]);
  });

  it("name only workers that are there", () => {
    const net = defineLock({ name: "net", scope: "worker", max: 3, maxOfWorker: { small: 1, smal: 1 } });
    const sets = new Map([["team", slice(builder("one", [net.counting()]), builder("two", [net.counting()]))]]);
    expect(
      checkLimitedWorkers(
        sets,
        (name) => name === "small",
        (name) => name,
      ),
    ).toEqual(['builders.team: builders[0].locks: maxOfWorker of the lock "net": no worker "smal"']);
  });

  it("bring a warning where a function of the build hides them from that", () => {
    const warned = slice(
      builder(
        "one",
        [db.counting()],
        step(() => [board.counting()]),
      ),
    );
    expect(warningsOfBuilders(warned).map(({ path }) => path)).toEqual([["builders", 0, "steps", 0, "locks"]]);
    expect(
      warningsOfBuilders(
        slice(
          builder(
            "one",
            [],
            step(() => [board.counting()]),
          ),
        ),
      ),
    ).toEqual([]);
  });

  it("take no more than there is, and each lock once", () => {
    const refuses = (...uses: Uses) => lockUses.safeParse(uses).success === false;
    expect(refuses(db.counting(4))).toBe(true);
    expect(refuses(db.counting(), db.exclusive())).toBe(true);
    expect(refuses(board.counting(2))).toBe(true);
    expect(refuses(db.counting(3), board.counting())).toBe(false);
    const ofWorkers = defineLock({ name: "disk", scope: "worker", max: 5, maxOfWorker: { small: 2 } });
    expect(refuses(ofWorkers.counting(3))).toBe(true);
  });
});
