import { expect, it } from "vitest";
import {
  createFakeClock,
  createSchedulerRows,
  fakeSchedulerContext,
} from "../../../../test/harness/scheduler-fakes.ts";
import type { SchedulerDefinition } from "../define-scheduler.ts";
import tryScheduler from "./try.ts";

it("publishes what may be tried, and says which options are wrong", async () => {
  const { plugin, options } = tryScheduler({ name: "try", builders: ["web"], repository: "r", properties: { a: 1 } });
  const rows = createSchedulerRows();
  const context = fakeSchedulerContext(rows, "try", createFakeClock());
  await (await (plugin as SchedulerDefinition).start(context, plugin.options.parse(options))).stop();
  expect(rows.published).toEqual({
    kind: "tries",
    tries: {
      builder_names: ["web"],
      codebase: "",
      repository: "r",
      project: "",
      branch: null,
      max_patch_size: 1_048_576,
      properties: { a: 1 },
      priority: 0,
    },
  });
  const wrong = { name: "n".repeat(51), builders: [], maxPatchSize: 9_000_000 };
  expect(plugin.options.safeParse(wrong).error?.issues.map(({ path }) => path.join("."))).toEqual([
    "name",
    "builders",
    "maxPatchSize",
  ]);
});
