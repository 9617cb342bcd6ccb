import { expect, it } from "vitest";
import { z } from "zod";
import { warningsOfApproval } from "./approval.ts";
import type { PluginDescriptor } from "./plugin.ts";

const git = (options: object): PluginDescriptor<"step"> => ({
  plugin: { kind: "step", type: "git", options: z.any() },
  options,
});

it("a checkout of what is newest is a risk where users approve revisions", () => {
  const approval = { untrusted: true, expires: null };
  const steps = [git({}), git({ alwaysUseLatest: true }), git({ alwaysUseLatest: true, codebase: "tools" })];
  expect(warningsOfApproval({ approval: null, steps }, 0)).toEqual([]);
  expect(warningsOfApproval({ approval, steps }, 3)).toEqual([
    {
      path: ["builders", 3, "steps", 1, "alwaysUseLatest"],
      sentence: expect.stringMatching(
        /^builds what is newest when it starts, not the revision that a user has approved/,
      ),
    },
  ]);
});
