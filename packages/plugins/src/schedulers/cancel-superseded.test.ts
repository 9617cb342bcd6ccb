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
  const older = { buildrequestid: 7, builder: "b", branch: "main", newest: 1, claimed: 0 };
  const ctx: SchedulerContext = {
    ...fakeSchedulerContext(rows, "s", clock),
    async openRequestsOf() {
      polls += 1;
      if (polls === 1) throw new Error("the database is away");
      return [older];
    },
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
