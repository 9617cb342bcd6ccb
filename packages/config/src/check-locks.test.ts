import { describe, expect, it } from "vitest";
import { z } from "zod";
import { checkAwaitedLocks } from "./check-lock-waits.ts";
import { checkLimitedWorkers, checkLocks } from "./check-locks.ts";
import { warningsOfLockCircles } from "./lock-circle-warnings.ts";
import { warningsOfAwaitedLocks } from "./lock-wait-warnings.ts";
import { defineLock, lockUses } from "./locks.ts";
import { type BuildersSliceInput, buildersSlice, warningsOfBuilders } from "./slices/builders.ts";
import type { SchedulerSlice } from "./slices/scheduler.ts";
import { workersSlice } from "./slices/workers.ts";

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

  describe("along chains of triggers", () => {
    /** A builder with a step that waits for builds of another one. */
    const waiting = (name: string, child: string, locks: unknown, ofStep?: unknown, workers = ["w"]) => ({
      ...builder(name, locks, {
        ...step(ofStep),
        plugin: { ...step().plugin, awaits: () => [`start ${child}`] },
      }),
      workers,
    });
    const on = (workers: string[], made: ReturnType<typeof builder>) => ({ ...made, workers });
    const parse = (builders: readonly { name: string }[]) => {
      const sets = new Map([["team", slice(...builders)]]);
      const schedulers = builders.map(({ name }) => ({
        plugin: { kind: "scheduler", type: "t", options: z.unknown(), builderNames: () => [name] },
        options: { name: `start ${name}` },
      }));
      return [sets, { changeSources: [], schedulers } as unknown as SchedulerSlice] as const;
    };
    const problemsOf = (...builders: { name: string }[]) =>
      checkAwaitedLocks(
        ...parse(builders),
        (name) => name,
        (worker) => worker !== "cloud",
      );
    const workers = workersSlice.parse({
      workers: [
        { name: "w", local: true, maxBuilds: 8 },
        { name: "one", local: true },
      ],
    });
    const warningsOf = (...builders: { name: string }[]) =>
      warningsOfAwaitedLocks(...parse(builders), workers, (name) => name);
    const ofWorkers = defineLock({ name: "disk", scope: "worker" });

    it("are refused where a later build needs what the first one has", () => {
      expect(
        problemsOf(waiting("a", "b", [db.exclusive()]), waiting("b", "c", []), builder("c", [], step([db.counting()]))),
      ).toEqual([
        'builders.team: builders[0].steps[0]: waits for builds of "b", which wait for builds of "c", which need the lock "db" that this build has: they would wait for each other for ever',
      ]);
      // Each has a part of it.
      expect(
        problemsOf(
          waiting("a", "b", [db.counting()]),
          waiting("b", "c", [db.counting()]),
          builder("c", [db.counting(2)]),
        ),
      ).toHaveLength(1);
      expect(
        problemsOf(waiting("a", "b", [db.counting()]), waiting("b", "c", []), builder("c", [board.exclusive()])),
      ).toEqual([]);
      // Builders that trigger each other end the search.
      expect(problemsOf(waiting("a", "b", [db.exclusive()]), waiting("b", "a", []))).toHaveLength(1);
    });

    it("are refused for a lock of each worker where there is only one worker for the later build", () => {
      const needs = (...names: string[]) => on(names, builder("child", [ofWorkers.exclusive()]));
      const parent = (...names: string[]) => waiting("parent", "child", [ofWorkers.exclusive()], undefined, names);
      expect(problemsOf(parent("w"), needs("w"))).toEqual([
        'builders.team: builders[0].steps[0]: waits for builds of "child", which need the lock "disk" of the worker "w" that this build has: they would wait for each other for ever',
      ]);
      expect(problemsOf(parent("v", "w"), needs("w"))).toEqual([expect.stringContaining("has while it runs there")]);
      expect(problemsOf(parent("w"), needs("v", "w"))).toEqual([]);
      expect(problemsOf(parent("v"), needs("w"))).toEqual([]);
      expect(problemsOf(parent("cloud"), needs("cloud"))).toEqual([]);
    });

    it("bring a warning where builds that run at the same time can take all of a counting lock", () => {
      const child = builder("child", [db.counting(2)]);
      const parents = [waiting("one", "child", [db.counting()]), waiting("two", "child", [db.counting()])];
      expect(problemsOf(...parents, child)).toEqual([]);
      expect(warningsOf(...parents, child)).toEqual([
        'builders.team: builders[0].steps[0]: waits for builds of "child", which need the lock "db" too: while 2 builds of "one" have 2 of its 3, a build of "child" that wants 2 of it waits for them, and those that they wait for wait behind it, for ever; let the waiting step\'s build not have this lock, or let fewer run at the same time by an exclusive lock',
      ]);
      // One that comes between.
      const small = builder("child", [db.counting()]);
      const single = waiting("one", "child", [db.counting()], undefined, ["one"]);
      expect(warningsOf(single, small, builder("migrate", [db.exclusive()]))).toEqual([
        expect.stringContaining(
          'a build of "one" has 1 of its 3, a build of "migrate" that wants it alone waits for them',
        ),
      ]);
      // There is always enough of it: only one of them waits at the same time, or the builds need other locks.
      expect(warningsOf(single, small)).toEqual([]);
      const gate = defineLock({ name: "gate" });
      const gated = (name: string) => waiting(name, "child", [db.counting(), gate.exclusive()]);
      expect(warningsOf(gated("one"), gated("two"), child)).toEqual([]);
      expect(warningsOf(waiting("one", "child", [board.counting()]), child)).toEqual([]);
    });
  });

  it("bring a warning where builds with different locks wait, by triggers, for builds that need the lock of the other", () => {
    const [x, y, gate] = ["x", "y", "gate"].map((name) => defineLock({ name, max: 2 }));
    const waiting = (name: string, child: string, locks: unknown) =>
      builder(name, locks, { ...step(), plugin: { ...step().plugin, awaits: () => [child] } });
    const warningsOf = (...builders: { name: string }[]) =>
      warningsOfLockCircles(
        new Map([["team", slice(...builders)]]),
        {
          changeSources: [],
          schedulers: builders.map(({ name }) => ({
            plugin: { kind: "scheduler", type: "t", options: z.unknown(), builderNames: () => [name] },
            options: { name },
          })),
        } as unknown as SchedulerSlice,
        (name) => name,
      );
    const children = [builder("b", [y?.exclusive()]), builder("d", [], step([x?.exclusive()]))];
    expect(warningsOf(waiting("a", "b", [x?.exclusive()]), waiting("c", "d", [y?.exclusive()]), ...children)).toEqual([
      'builders.team: builders[0].steps[0]: while a build of "a" has the lock "x", it waits for builds of "b", which need the lock "y"; while a build of "c" has the lock "y", it waits for builds of "d", which need the lock "x" (builders.team: builders[1].steps[0]): running at the same time, they wait for each other for ever; take the locks in one order, or give these builders one more lock that each of them has alone',
    ]);
    // A step closes the circle.
    expect(
      warningsOf(
        waiting("a", "b", [x?.exclusive()]),
        builder("c", [y?.exclusive()], step([x?.counting()])),
        ...children,
      ),
    ).toEqual([expect.stringContaining('while a build of "c" has the lock "y", it wants the lock "x"')]);
    // In one order, never at the same time, or with enough for both.
    expect(warningsOf(waiting("a", "b", [x?.exclusive()]), ...children)).toEqual([]);
    const gated = (name: string, child: string, lock: typeof x) =>
      waiting(name, child, [lock?.exclusive(), gate?.exclusive()]);
    expect(warningsOf(gated("a", "b", x), gated("c", "d", y), ...children)).toEqual([]);
    const counting = (name: string, child: string, lock: typeof x) => waiting(name, child, [lock?.counting()]);
    const small = [builder("b", [y?.counting()]), builder("d", [x?.counting()])];
    expect(warningsOf(counting("a", "b", x), counting("c", "d", y), ...small)).toEqual([]);
  });

  it("are refused of a step that waits for the step around it", () => {
    const around = (outer: unknown, inner: unknown, ofBuilder: unknown = []) =>
      builder("one", ofBuilder, {
        ...step(outer),
        plugin: { ...step().plugin, inner: () => [{ path: ["options", 0], step: step(inner) }] },
      });
    expect(check(around([db.counting()], [board.counting()]))).toEqual([
      "builders.team: builders[0].steps[0].options[0].locks: the step around it has locks, too, and waits for it: put all locks on the one or on the other",
    ]);
    expect(check(around([], [db.counting(2)]))).toEqual([]);
    expect(check(around([db.counting()], []))).toEqual([]);
    expect(check(around([db.counting()], [db.counting()], [db.exclusive()]))).toEqual([]);
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
