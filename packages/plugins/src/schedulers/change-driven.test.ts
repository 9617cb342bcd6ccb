import type { PluginDescriptor } from "@multimaster/config";
import { describe, expect, it } from "vitest";
import { runScheduler } from "../../../../test/harness/run-scheduler.ts";
import {
  createFakeClock,
  createSchedulerRows,
  type FakeSchedulerRows,
  makeChange,
} from "../../../../test/harness/scheduler-fakes.ts";
import { waitFor } from "../../../../test/harness/wait-for.ts";
import anyBranch from "./any-branch.ts";
import singleBranch from "./single-branch.ts";

const builders = ["b1", "b2"];

describe("a single-branch scheduler without a timer", () => {
  it("builds each change of its branch by itself, whenever it came", async () => {
    const rows = createSchedulerRows();
    rows.unseen.push(makeChange(1), makeChange(2, { branch: "dev" }), makeChange(3));
    const scheduler = await runScheduler(
      singleBranch({ name: "s", branch: "main", builders, properties: { owner: "x" }, priority: 3 }),
      rows,
      createFakeClock(),
    );
    expect(rows.submissions).toEqual(
      [1, 3].map((changeid) => ({
        changeids: [changeid],
        buildset: {
          reason: "The SingleBranchScheduler scheduler named 's' triggered this build",
          sourceStamps: [changeid + 1000],
          builders,
          properties: { scheduler: ["s", "Scheduler"], owner: ["x", "Scheduler"] },
          priority: 3,
        },
      })),
    );
    expect(rows.unseen).toEqual([]);
    expect(rows.classified.size).toBe(0);
    rows.unseen.push(makeChange(4));
    expect(await scheduler.poll()).toEqual([[1], [3], [4]]);
  });

  it("reads more changes than one batch holds", async () => {
    const rows = createSchedulerRows();
    rows.unseen.push(...Array.from({ length: 1200 }, (_, i) => makeChange(i + 1)));
    const scheduler = await runScheduler(
      singleBranch({ name: "s", branch: "main", builders }),
      rows,
      createFakeClock(),
    );
    expect(scheduler.built()).toHaveLength(1200);
  });

  it("does not build unimportant changes", async () => {
    const rows = createSchedulerRows();
    rows.unseen.push(makeChange(1, { files: ["README.md"] }), makeChange(2));
    const scheduler = await runScheduler(
      singleBranch({
        name: "s",
        branch: "main",
        builders,
        fileIsImportant: ({ files }) => files.some((file) => file.startsWith("src/")),
      }),
      rows,
      createFakeClock(),
    );
    expect(scheduler.built()).toEqual([[2]]);
    expect(rows.classified.size).toBe(0);
  });

  it("submits what was classified by a master that died before submitting", async () => {
    const rows = createSchedulerRows();
    const clock = createFakeClock();
    rows.classified.set(7, { change: makeChange(7), important: true, at: clock.now() });
    const scheduler = await runScheduler(singleBranch({ name: "s", branch: "main", builders }), rows, clock);
    expect(scheduler.built()).toEqual([[7]]);
  });

  it("goes on with the next change when the config's own filter fails on one", async () => {
    const rows = createSchedulerRows();
    const broken = (change: { changeid: number }) => {
      if (change.changeid === 1) throw new Error("no idea");
      return true;
    };
    rows.unseen.push(makeChange(1), makeChange(2));
    const filtered = await runScheduler(
      singleBranch({ name: "s", changeFilter: { filter: broken }, builders }),
      rows,
      createFakeClock(),
    );
    expect(filtered.built()).toEqual([[2]]);
    const judged = createSchedulerRows();
    judged.unseen.push(makeChange(1), makeChange(2));
    const important = await runScheduler(
      singleBranch({ name: "s", branch: "main", fileIsImportant: broken, builders }),
      judged,
      createFakeClock(),
    );
    expect(important.built()).toEqual([[1], [2]]);
  });

  it("takes the newest source stamp of each codebase, and the configured one of the others", async () => {
    const rows = createSchedulerRows();
    rows.unseen.push(makeChange(1, { codebase: "lib" }), makeChange(2, { codebase: "other" }));
    await runScheduler(
      singleBranch({
        name: "s",
        branch: "main",
        builders,
        codebases: { app: { repository: "https://example.org/app", branch: "main" }, lib: {} },
      }),
      rows,
      createFakeClock(),
    );
    expect(rows.submissions).toHaveLength(1);
    expect(rows.submissions[0]?.buildset?.sourceStamps).toEqual([
      { codebase: "app", repository: "https://example.org/app", branch: "main", revision: null, project: "" },
      1001,
    ]);
  });

  it("writes nothing once its claim is lost", async () => {
    const rows = createSchedulerRows();
    const scheduler = await runScheduler(
      singleBranch({ name: "s", branch: "main", builders }),
      rows,
      createFakeClock(),
    );
    rows.lost = true;
    rows.unseen.push(makeChange(1));
    expect(await scheduler.poll()).toEqual([]);
    expect(rows.unseen).toHaveLength(1);
  });
});

describe("a scheduler with a tree-stable timer", () => {
  const stable = () =>
    singleBranch({
      name: "s",
      branch: "main",
      builders,
      treeStableTimer: "1m",
      fileIsImportant: ({ files }) => files.includes("src/a.c"),
    });

  it("builds once when nothing came for that long", async () => {
    const rows = createSchedulerRows();
    const scheduler = await runScheduler(stable(), rows, createFakeClock());
    rows.unseen.push(makeChange(1));
    expect(await scheduler.poll()).toEqual([]);
    expect(await scheduler.pass(40_000)).toEqual([]);
    rows.unseen.push(makeChange(2));
    expect(await scheduler.poll()).toEqual([]);
    expect(await scheduler.pass(59_000)).toEqual([]);
    expect(await scheduler.pass(1_000)).toEqual([[1, 2]]);
    expect(await scheduler.pass(600_000)).toEqual([[1, 2]]);
    expect(rows.submissions[0]?.buildset?.sourceStamps).toEqual([1002]);
  });

  it("fires by itself, without a message or a poll", async () => {
    const rows = createSchedulerRows();
    const clock = createFakeClock();
    await runScheduler(singleBranch({ name: "s", branch: "main", builders, treeStableTimer: "2s" }), rows, clock);
    rows.unseen.push(makeChange(1));
    const second = await runScheduler(
      singleBranch({ name: "s", branch: "main", builders, treeStableTimer: "2s" }),
      rows,
      clock,
    );
    clock.advance(2_000);
    await waitFor(() => rows.submissions.length === 1, { what: "the timer" });
    await second.poll();
    expect(rows.submissions).toHaveLength(1);
  });

  it("goes on with the same timer on another master, and fires once", async () => {
    const rows = createSchedulerRows();
    const clock = createFakeClock();
    const first = await runScheduler(stable(), rows, clock);
    rows.unseen.push(makeChange(1));
    await first.poll();
    await first.pass(50_000);
    await first.stop();
    const second = await runScheduler(stable(), rows, clock);
    expect(second.built()).toEqual([]);
    expect(await second.pass(10_000)).toEqual([[1]]);
    const third = await runScheduler(stable(), rows, clock);
    expect(await third.pass(600_000)).toEqual([[1]]);
  });

  it("builds unimportant changes along with important ones, never by themselves", async () => {
    const rows = createSchedulerRows();
    const scheduler = await runScheduler(stable(), rows, createFakeClock());
    rows.unseen.push(makeChange(1, { files: ["README"] }));
    await scheduler.poll();
    expect(await scheduler.pass(600_000)).toEqual([]);
    rows.unseen.push(makeChange(2));
    await scheduler.poll();
    expect(await scheduler.pass(60_000)).toEqual([[1, 2]]);
  });

  it("with onlyImportant leaves unimportant ones out", async () => {
    const rows = createSchedulerRows();
    rows.unseen.push(makeChange(1, { files: ["README"] }), makeChange(2));
    const scheduler = await runScheduler(
      singleBranch({
        name: "s",
        branch: "main",
        builders,
        treeStableTimer: 60,
        onlyImportant: true,
        fileIsImportant: ({ files }) => !files.includes("README"),
      }),
      rows,
      createFakeClock(),
    );
    expect(await scheduler.pass(60_000)).toEqual([[2]]);
  });
});

describe("an any-branch scheduler", () => {
  it("has a timer for each branch, project, repository and codebase", async () => {
    const rows = createSchedulerRows();
    const scheduler = await runScheduler(
      anyBranch({ name: "s", builders, treeStableTimer: "1m" }),
      rows,
      createFakeClock(),
    );
    rows.unseen.push(makeChange(1), makeChange(2, { branch: "dev" }), makeChange(3, { codebase: "lib" }));
    await scheduler.poll();
    await scheduler.pass(30_000);
    rows.unseen.push(makeChange(4, { branch: "dev" }));
    await scheduler.poll();
    expect(await scheduler.pass(30_000)).toEqual([[1], [3]]);
    expect(await scheduler.pass(30_000)).toEqual([[1], [3], [2, 4]]);
    expect(rows.submissions[0]?.buildset?.reason).toBe(
      "The AnyBranchScheduler scheduler named 's' triggered this build",
    );
  });

  it("follows all branches, or those it is given", async () => {
    const changes = [makeChange(1), makeChange(2, { branch: "dev" }), makeChange(3, { branch: null })];
    const rows = createSchedulerRows();
    rows.unseen.push(...changes);
    const all = await runScheduler(anyBranch({ name: "s", builders }), rows, createFakeClock());
    expect(all.built()).toEqual([[1], [2], [3]]);
    const some = createSchedulerRows();
    some.unseen.push(...changes);
    const few = await runScheduler(
      anyBranch({ name: "s", builders, branches: ["dev", null] }),
      some,
      createFakeClock(),
    );
    expect(few.built()).toEqual([[2], [3]]);
  });
});

describe("a longest wait beside the timer", () => {
  const options = { name: "s", builders, treeStableTimer: "4s", treeStableMaxWait: "10s" };

  it("builds though changes come steadily, each in one build", async () => {
    const rows = createSchedulerRows();
    const scheduler = await runScheduler(anyBranch(options), rows, createFakeClock());
    for (let id = 1; id <= 15; id += 1) {
      rows.unseen.push(makeChange(id));
      await scheduler.pass(2000);
    }
    await scheduler.pass(4000);
    const built = scheduler.built();
    expect(built.length).toBeGreaterThan(2);
    expect(built.every((ids) => ids.length <= 6)).toBe(true);
    expect(built.flat()).toEqual(Array.from({ length: 15 }, (_, i) => i + 1));
  });

  it("counts from the first important change, and never makes one wait longer than the timer", async () => {
    const rows = createSchedulerRows();
    const fileIsImportant = ({ changeid }: { changeid: number }) => changeid > 1;
    const scheduler = await runScheduler(anyBranch({ ...options, fileIsImportant }), rows, createFakeClock());
    rows.unseen.push(makeChange(1));
    await scheduler.poll();
    expect(await scheduler.pass(20_000)).toEqual([]);
    rows.unseen.push(makeChange(2));
    await scheduler.poll();
    expect(await scheduler.pass(3000)).toEqual([]);
    expect(await scheduler.pass(1000)).toEqual([[1, 2]]);
  });

  it.each([
    [undefined, 'needs "treeStableTimer"'],
    ["2m", 'must not be shorter than "treeStableTimer"'],
  ])("is refused with the timer %s", (treeStableTimer, sentence) => {
    const { plugin, options: given } = singleBranch({
      ...{ name: "s", builders, branch: "main" },
      ...{ treeStableTimer, treeStableMaxWait: "1m" },
    });
    expect(plugin.options.safeParse(given).error?.issues).toMatchObject([
      { path: ["treeStableMaxWait"], message: expect.stringContaining(sentence) },
    ]);
  });
});

describe("more changes than arguments of a call may have", () => {
  const count = 200_000;
  const fill = (rows: FakeSchedulerRows, at: number) => {
    const change = makeChange(1);
    for (let changeid = 1; changeid <= count; changeid += 1)
      rows.classified.set(changeid, { change: { ...change, changeid }, important: true, at });
  };

  it("are built together once the timer fires", async () => {
    const rows = createSchedulerRows();
    const clock = createFakeClock();
    fill(rows, clock.now());
    const scheduler = await runScheduler(
      singleBranch({ name: "s", branch: "main", builders, treeStableTimer: "5s" }),
      rows,
      clock,
    );
    expect((await scheduler.pass(5000)).map((ids) => ids.length)).toEqual([count]);
  });
});

describe("the options of a scheduler", () => {
  const problems = ({ plugin, options }: PluginDescriptor<"scheduler">) =>
    plugin.options.safeParse(options).error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);

  it("name the builders, so that a config can be checked", () => {
    const { plugin, options } = singleBranch({ name: "s", branch: "main", builders });
    expect(plugin.builderNames?.(plugin.options.parse(options))).toEqual(builders);
  });

  it("of a single branch must say which", () => {
    expect(problems(singleBranch({ name: "s", builders }))).toEqual([
      "branch: must name the branch, unless a changeFilter selects the changes",
    ]);
    expect(problems(singleBranch({ name: "s", builders, branch: null }))).toBeUndefined();
  });
});
