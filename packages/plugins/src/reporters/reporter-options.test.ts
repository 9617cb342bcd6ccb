import { checkScheduling, schedulerSlice } from "@multimaster/config";
import { describe, expect, it } from "vitest";
import httpPush from "./http-push.ts";

const push = (name: string) => httpPush({ name, url: "https://example.org/hook" });

describe("the name of a reporter", () => {
  it.each([
    [" first", "must not begin with a space"],
    [" ", "must not be blank or contain control characters"],
    ["two\nlines", "must not be blank or contain control characters"],
    ["n\0ul", "must not be blank or contain control characters"],
  ])("is not %j", (name, sentence) => {
    const { plugin, options } = push(name);
    const { issues = [] } = plugin.options.safeParse(options).error ?? {};
    expect(issues.map(({ message }) => message)).toContain(sentence);
  });

  it("has at most 200 characters", () => {
    for (const [length, isGood] of [
      [200, true],
      [201, false],
    ] as const) {
      const { plugin, options } = push("n".repeat(length));
      expect(plugin.options.safeParse(options).success).toBe(isGood);
    }
  });

  it("is that of one reporter", () => {
    const slice = schedulerSlice.parse({ reporters: [push("a"), push("b"), push("a")] });
    expect(checkScheduling(slice, (part) => part)).toEqual([expect.stringMatching(/reporters.*"a"/)]);
  });
});
