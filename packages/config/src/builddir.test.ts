import { describe, expect, it } from "vitest";
import { findSharedDirectories } from "./builddir.ts";
import type { buildersSlice } from "./slices/builders.ts";

type Given = { name: string; builddir?: string; workers?: string[] };

/** What is said of two builders, each in a set of its own. */
function judge(one: Given, other: Given) {
  const sets = [one, other].map((given, i) => {
    const steps = [{ kind: "step", plugin: { kind: "step", type: "x" }, options: {} }];
    const slice = { secrets: {}, builders: [{ workers: ["w"], steps, ...given }] };
    return [`set${i}`, slice as unknown as ReturnType<typeof buildersSlice.parse>] as const;
  });
  const { problems, warnings } = findSharedDirectories(new Map(sets), (part) => part);
  return problems.length > 0 ? "error" : warnings.length > 0 ? "warning" : "good";
}

describe("two builders on one worker", () => {
  it.each<[Given, Given, string]>([
    [{ name: "构建" }, { name: "测试" }, "good"],
    [{ name: "a b" }, { name: "a_b" }, "good"],
    [{ name: "a/b" }, { name: "a b" }, "good"],
    [{ name: "a" }, { name: "b" }, "good"],
    [{ name: "x".repeat(300) }, { name: `${"x".repeat(300)}y` }, "good"],
    [{ name: "a", builddir: "x" }, { name: "b", builddir: "x" }, "error"],
    [{ name: "a", builddir: "x" }, { name: "b", builddir: "./x/" }, "error"],
    [{ name: "a", builddir: "x/y" }, { name: "b", builddir: "x\\y" }, "error"],
    [{ name: "a" }, { name: "b", builddir: "a" }, "error"],
    [{ name: "a", builddir: "x", workers: ["w1"] }, { name: "b", builddir: "x", workers: ["w2"] }, "good"],
    [{ name: "Web" }, { name: "web" }, "warning"],
    [{ name: "v1." }, { name: "v1" }, "warning"],
    [{ name: "a", builddir: "\u00e9" }, { name: "b", builddir: "e\u0301" }, "warning"],
    [{ name: "Web", workers: ["w1"] }, { name: "web", workers: ["w2"] }, "good"],
  ])("%j and %j: %s", (one, other, expected) => expect(judge(one, other)).toBe(expected));
});
