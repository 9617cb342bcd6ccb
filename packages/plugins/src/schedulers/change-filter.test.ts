import { describe, expect, it } from "vitest";
import { makeChange } from "../../../../test/harness/scheduler-fakes.ts";
import { changeFilter, matchesFilter } from "./change-filter.ts";

const change = makeChange(1, {
  branch: "release/1.2",
  repository: "https://example.org/r.git",
  project: "demo",
  category: null,
  codebase: "lib",
  author: "Ada <ada@example.org>",
  files: ["src/a.c", "doc/a.md"],
});

const matches = (filter: Parameters<typeof changeFilter.parse>[0]) => matchesFilter(changeFilter.parse(filter), change);

describe("a change filter", () => {
  it("without conditions lets everything through", () => {
    expect(matches({})).toBe(true);
  });

  it.each([
    ["a text", { branch: "release/1.2" }, true],
    ["another text", { branch: "release/1" }, false],
    ["a list", { project: ["other", "demo"] }, true],
    ["a list without it", { project: ["other"] }, false],
    ["a regular expression", { branch: /^release\// }, true],
    ["a regular expression that does not match", { author: /grace/ }, false],
    ["a function", { repository: (url: string | null) => url?.endsWith("r.git") === true }, true],
    ["branches", { branches: ["main", "release/1.2"] }, true],
    ["branches without it", { branches: ["main"] }, false],
    ["null for what is absent", { category: null }, true],
    ["a list with null", { category: ["nightly", null] }, true],
    ["a text where there is none", { category: "nightly" }, false],
    ["a regular expression where there is none", { category: /.*/ }, false],
    ["an address with a slash at its end", { repository: ["https://example.org/r.git/"] }, true],
    ["another address", { repository: "https://example.org/" }, false],
    ["a codebase", { codebase: "lib" }, true],
    ["one of the files", { files: /^doc\// }, true],
    ["none of the files", { files: ["Makefile"] }, false],
    ["a function of the change", { filter: ({ files }: { files: string[] }) => files.length > 5 }, false],
    ["several that all match", { branch: /release/, project: "demo", codebase: "lib" }, true],
    ["several of which one does not", { branch: /release/, project: "other" }, false],
  ] as [string, Parameters<typeof changeFilter.parse>[0], boolean][])("by %s", (_, filter, expected) => {
    expect(matches(filter)).toBe(expected);
  });

  it.each([
    ["a push", {}, false],
    ["a fork's", { properties: { pullrequest_fork: [true, "Change"] } }, true],
    ["the repository's own", { properties: { pullrequest_fork: [false, "Change"] } }, false],
    ["a pull request that does not say", { properties: { pullrequest_number: [1, "Change"] } }, true],
    ["the ref of a pull request", { branch: "refs/pull/1/merge" }, true],
    ["a text instead of false", { properties: { pullrequest_fork: ["false", "Change"] } }, true],
  ] as [string, Parameters<typeof makeChange>[1], boolean][])("by whose code it is: %s", (_, fields, isFork) => {
    const of = makeChange(2, { branch: "main", ...fields });
    expect(matchesFilter(changeFilter.parse({ forks: false }), of)).toBe(!isFork);
    expect(matchesFilter(changeFilter.parse({ forks: true }), of)).toBe(isFork);
    expect(matchesFilter(changeFilter.parse({}), of)).toBe(true);
  });

  it("lets a change through of which not all files are known", () => {
    const cut = makeChange(3, { files: ["a"], properties: { files_omitted: [7, "Change"] } });
    expect(matchesFilter(changeFilter.parse({ files: /^doc\// }), cut)).toBe(true);
  });

  it("returns the same answer every time with a global regular expression", () => {
    const filter = changeFilter.parse({ branch: /release/g });
    expect([1, 2, 3].map(() => matchesFilter(filter, change))).toEqual([true, true, true]);
  });

  it("refuses conditions that it does not know", () => {
    expect(changeFilter.safeParse({ brnch: "main" }).success).toBe(false);
    expect(changeFilter.safeParse({ branch: 3 }).success).toBe(false);
  });
});
