import { describe, expect, it } from "vitest";
import { runScheduler } from "../../../../test/harness/run-scheduler.ts";
import {
  createFakeClock,
  createSchedulerRows,
  fakeSchedulerContext,
  makeChange,
} from "../../../../test/harness/scheduler-fakes.ts";
import { waitFor } from "../../../../test/harness/wait-for.ts";
import type { SchedulerContext, SchedulerDefinition } from "../define-scheduler.ts";
import anyBranch from "./any-branch.ts";
import cancelFailing from "./cancel-failing.ts";
import cancelSuperseded from "./cancel-superseded.ts";
import nightly from "./nightly.ts";

/** Ends only if something else ends it. */
const loopIf = (isLooping: boolean): boolean => {
  while (isLooping);
  return true;
};
const blocked = "it blocked its master for 1000 ms without returning, and was ended";
const builders = ["b"];

describe("an endless loop in a scheduler's", () => {
  it("changeFilter keeps that change out, and those behind it wait a minute", async () => {
    const [rows, clock] = [createSchedulerRows(), createFakeClock()];
    rows.unseen.push(makeChange(1), makeChange(2), makeChange(3));
    const changeFilter = { filter: ({ changeid }: { changeid: number }) => loopIf(changeid === 2) };
    const scheduler = await runScheduler(anyBranch({ name: "s", changeFilter, builders }), rows, clock);
    expect(scheduler.built()).toEqual([[1]]);
    expect(rows.unseen.map(({ changeid }) => changeid)).toEqual([3]);
    expect(rows.problem).toBe(`the function "changeFilter" failed (${blocked}) for change 2`);
    clock.advance(60_000);
    expect(await scheduler.poll()).toEqual([[1], [3]]);
    await scheduler.poll();
    expect(rows.problem).toBeNull();
  });

  it("fileIsImportant builds that change, as where it throws", async () => {
    const [rows, clock] = [createSchedulerRows(), createFakeClock()];
    rows.unseen.push(makeChange(1));
    const fileIsImportant = () => loopIf(true);
    const scheduler = await runScheduler(anyBranch({ name: "s", fileIsImportant, builders }), rows, clock);
    expect(scheduler.built()).toEqual([[1]]);
    expect(rows.problem).toContain(`"fileIsImportant" failed (${blocked}) for change 1`);
  });

  it("builders leaves the slot failed, and the next poll does not call it", async () => {
    const [rows, clock] = [createSchedulerRows(), createFakeClock()];
    let calls = 0;
    const choose = () => {
      calls += 1;
      loopIf(true);
      return builders;
    };
    const options = { name: "s", builders: choose, minute: [0, 1, 2], runAtStart: true };
    const scheduler = await runScheduler(nightly(options), rows, clock);
    await scheduler.poll();
    expect([...rows.slots.values()].map(({ outcome }) => outcome)).toEqual(["failed"]);
    expect(rows.problem).toContain(`"builders" failed (${blocked})`);
    expect(calls).toBe(1);
  });

  it("key supersedes nothing, and the changes behind wait a minute", async () => {
    const [rows, clock] = [createSchedulerRows(), createFakeClock()];
    rows.unseen.push(makeChange(1, { branch: "a" }), makeChange(2, { branch: "b" }), makeChange(3, { branch: "a" }));
    const key = ({ branch }: { branch: string | null }) => `${loopIf(branch === "a")}${branch}`;
    const scheduler = await runScheduler(cancelSuperseded({ name: "s", builders, key }), rows, clock);
    await scheduler.poll();
    expect(rows.unseen.map(({ changeid }) => changeid)).toEqual([2, 3]);
    expect(rows.problem).toContain(`"key" failed (${blocked}) for change 1`);
    clock.advance(60_000);
    await scheduler.poll();
    // The third is of the line that has blocked: it is not asked about again.
    expect(rows.unseen).toEqual([]);
    expect(rows.state.get("recent")).toMatchObject([{ changeid: 2, key: "trueb" }]);
  });

  it("filter of cancelFailing cancels the others, page by page, and later those that it was not asked about", async () => {
    const [rows, clock] = [createSchedulerRows(), createFakeClock()];
    const branchOf = (id: number) => (id === 600 ? "loop" : id <= 700 ? "main" : "next");
    const open = new Set(Array.from({ length: 1200 }, (_, i) => i + 1));
    let reads = 0;
    const ctx: SchedulerContext = {
      ...fakeSchedulerContext(rows, "s", clock),
      async openSiblingsOfFailed(_, { after, limit }) {
        reads += 1;
        const page = [...open].filter((id) => id > after).slice(0, limit);
        return page.map((buildrequestid) => {
          const stamp = {
            repository: "r",
            project: "",
            codebase: "",
            revision: null,
            branch: branchOf(buildrequestid),
          };
          return {
            buildrequestid,
            builder: "web",
            buildsetid: 1,
            failedBuilder: "b",
            number: 3,
            sourceStamps: [stamp],
          };
        });
      },
      async cancelAll(requests) {
        for (const { buildrequestid } of requests) open.delete(buildrequestid);
        return requests.map(({ buildrequestid }) => buildrequestid);
      },
    };
    const filter = { branch: (branch: string | null) => loopIf(branch === "loop") };
    const { plugin, options } = cancelFailing({ name: "s", builders, filter });
    const running = await (plugin as SchedulerDefinition).start(ctx, options);
    try {
      await waitFor(() => rows.problem !== null, { what: "the problem" });
      expect(rows.problem).toBe(`the function "filter" failed (${blocked}) for build request 600`);
      expect([reads, open.size, Math.min(...open)]).toEqual([3, 601, 600]);
      clock.advance(60_000);
      running.wake?.();
      await waitFor(() => open.size === 1, { what: "the others to be cancelled" });
      expect([...open]).toEqual([600]);
    } finally {
      await running.stop();
    }
  });
});
