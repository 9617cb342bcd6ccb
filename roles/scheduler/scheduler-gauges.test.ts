import { Registry } from "@multimaster/core";
import { expect, it } from "vitest";
import { createSchedulerGauges } from "./scheduler-gauges.ts";

it("counts what became of the times of a scheduler, with those that no master decided", async () => {
  const registry = new Registry();
  createSchedulerGauges(registry).countSlot("nightly", "built", 0);
  // Another term of the same master counts on.
  createSchedulerGauges(registry).countSlot("nightly", "built", 3);
  const counted = await registry.getSingleMetric("multimaster_scheduler_slots_total")?.get();
  expect(counted?.values.map(({ labels, value }) => [labels["outcome"], value])).toEqual([
    ["built", 2],
    ["missed", 3],
  ]);
});
