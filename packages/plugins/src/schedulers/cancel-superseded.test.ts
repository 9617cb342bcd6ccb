import { expect, it } from "vitest";
import {
  createFakeClock,
  createSchedulerRows,
  fakeSchedulerContext,
  makeChange,
} from "../../../../test/harness/scheduler-fakes.ts";
import { waitFor } from "../../../../test/harness/wait-for.ts";
import type { SchedulerContext, SchedulerDefinition } from "../define-scheduler.ts";
import cancelSuperseded from "./cancel-superseded.ts";

it("cancels what a change has superseded, however long it could not", async () => {
  const [rows, clock] = [createSchedulerRows(), createFakeClock()];
  const { plugin, options } = cancelSuperseded({ name: "s", builders: ["b"] });
  const cancelled: number[] = [];
  let polls = 0;
  const older = { buildrequestid: 7, builder: "b", scheduler: "all", branch: "main", newest: 1, claimed: 0 };
  const ctx: SchedulerContext = {
    ...fakeSchedulerContext(rows, "s", clock),
    async openRequestsOf() {
      polls += 1;
      if (polls === 1) throw new Error("the database is away");
      return cancelled.length > 0 ? [] : [older];
    },
    requestsOfChanges: async () => [{ builder: "b", scheduler: "all", changeid: 2 }],
    async cancelAll(requests) {
      cancelled.push(...requests.map(({ buildrequestid }) => buildrequestid));
      return cancelled;
    },
  };
  rows.unseen.push(makeChange(2));
  const running = await (plugin as SchedulerDefinition).start(ctx, options);
  try {
    await waitFor(() => polls === 1, { what: "the first poll" });
    clock.advance(120_000);
    running.wake?.();
    await waitFor(() => cancelled.length > 0, { what: "the request to be cancelled" });
    // It is forgotten a minute after that.
    clock.advance(120_000);
    running.wake?.();
    await waitFor(() => JSON.stringify(rows.state.get("recent")) === "[]", { what: "the change to be forgotten" });
  } finally {
    await running.stop();
  }
  expect(cancelled).toEqual([7]);
});

it("leaves a request alone until the same scheduler has requested a newer change of the same builder", async () => {
  const [rows, clock] = [createSchedulerRows(), createFakeClock()];
  const { plugin, options } = cancelSuperseded({ name: "s", builders: ["b", "c"] });
  const cancelled: { buildrequestid: number; reason: string }[] = [];
  const open = (buildrequestid: number, builder: string, scheduler: string) => ({
    ...{ buildrequestid, builder, scheduler, branch: "main", newest: 1, claimed: 0 },
  });
  const requested = [
    { builder: "c", scheduler: "all", changeid: 2 },
    { builder: "b", scheduler: "other", changeid: 3 },
  ];
  let polls = 0;
  const ctx: SchedulerContext = {
    ...fakeSchedulerContext(rows, "s", clock),
    async openRequestsOf() {
      polls += 1;
      const all = [open(7, "b", "all"), open(8, "c", "all")];
      return all.filter((one) => cancelled.every(({ buildrequestid }) => buildrequestid !== one.buildrequestid));
    },
    requestsOfChanges: async (ids) => requested.filter(({ changeid }) => ids.includes(changeid)),
    async cancelAll(requests) {
      cancelled.push(...requests);
      return requests.map(({ buildrequestid }) => buildrequestid);
    },
  };
  rows.unseen.push(makeChange(2), makeChange(3));
  const running = await (plugin as SchedulerDefinition).start(ctx, options);
  try {
    // Change 3 has no request for c, so that the one for change 2 is what replaces it.
    await waitFor(() => cancelled.length === 1, { what: "the request that is replaced" });
    expect(cancelled).toEqual([{ buildrequestid: 8, reason: "superseded by change 2 (r2 of main)" }]);
    // However much later the newer one comes, such as after a tree-stable timer.
    const at = polls;
    clock.advance(600_000);
    running.wake?.();
    await waitFor(() => polls > at, { what: "a poll" });
    requested.push({ builder: "b", scheduler: "all", changeid: 3 });
    clock.advance(10_000);
    running.wake?.();
    await waitFor(() => cancelled.length === 2, { what: "the other request" });
    expect(cancelled[1]).toEqual({ buildrequestid: 7, reason: "superseded by change 3 (r3 of main)" });
  } finally {
    await running.stop();
  }
});
