import { describe, expect, it } from "vitest";
import {
  createFakeClock,
  createSchedulerRows,
  fakeSchedulerContext,
} from "../../../../test/harness/scheduler-fakes.ts";
import type { SchedulerDefinition } from "../define-scheduler.ts";
import triggerable from "./triggerable.ts";

async function publish(options: Parameters<typeof triggerable>[0]) {
  const plugin = triggerable(options).plugin as SchedulerDefinition;
  const rows = createSchedulerRows();
  const context = fakeSchedulerContext(rows, options.name, createFakeClock());
  await (await plugin.start(context, plugin.options.parse(options))).stop();
  expect(rows.published?.kind).toBe("builds");
  return rows.published?.triggerable;
}

describe("a triggerable scheduler", () => {
  it("publishes what it builds, for the steps that trigger it", async () => {
    expect(await publish({ name: "deploy", builders: ["web", "db"] })).toEqual({
      builders: ["web", "db"],
      properties: {},
      priority: 0,
      reason: "The Triggerable scheduler named 'deploy' triggered this build",
      codebases: {},
    });
    const more = {
      properties: { where: "test" },
      priority: 5,
      reason: "as asked",
      codebases: { app: { branch: "main" } },
    };
    expect(await publish({ name: "deploy", builders: ["web"], ...more })).toEqual({
      builders: ["web"],
      ...more,
      codebases: { app: { branch: "main", revision: null, repository: "", project: "" } },
    });
  });

  it("is known as one that steps may trigger", () => {
    const { plugin } = triggerable({ name: "deploy", builders: ["web"] });
    expect(plugin.triggerable).toBe(true);
    expect(plugin.builderNames?.({ builders: ["web"] })).toEqual(["web"]);
  });
});
