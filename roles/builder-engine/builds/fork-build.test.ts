import type { Json } from "@multimaster/core";
import { describe, expect, it } from "vitest";
import { makeChange } from "../../../test/harness/scheduler-fakes.ts";
import { forkPropertyOf, isForkBuild } from "./fork-build.ts";

type Asked = Parameters<typeof isForkBuild>[0];

const sourced = (values: Record<string, Json>): Asked["properties"] =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, [value, "Change"] as const]));

/** A request for the source stamp of a change, or for one of the same branch without a change. */
function asked(
  branch: string | null,
  ofChange: Record<string, Json> | undefined,
  ofRequest: Record<string, Json> = {},
): Asked {
  const change = makeChange(1, { branch, properties: sourced(ofChange ?? {}) });
  const changes = ofChange === undefined ? [] : [change];
  return { sourceStamps: [change.sourcestamp], changes, properties: sourced(ofRequest) };
}

describe("a build is of a fork's code", () => {
  it.each([
    ["a push", asked("main", {}), false],
    ["a forced build", asked("main", undefined), false],
    ["a forced build of no branch", asked(null, undefined), false],
    ["a fork's pull request", asked("refs/pull/1/merge", { pullrequest_fork: true }), true],
    ["a fork's pull request that has the name of a branch", asked("main", { pullrequest_fork: true }), true],
    ["the repository's own pull request", asked("refs/pull/1/merge", { pullrequest_fork: false }), false],
    ["a pull request of which no one says whose it is", asked("refs/pull/1/merge", { pullrequest_number: 1 }), true],
    ["a forced build of a pull request's ref", asked("refs/merge-requests/1/head", undefined), true],
    ["a forced build of a change of Gerrit", asked("refs/changes/01/1/1", undefined), true],
    ["a forced build of a tag", asked("refs/tags/v1", undefined), false],
    ["one that a fork's build triggered", asked("main", undefined, { pullrequest_fork: true }), true],
    [
      "one that the repository's own pull request triggered",
      asked("refs/pull/1/merge", undefined, { pullrequest_fork: false }),
      false,
    ],
    [
      "a fork's, whatever else says that it is not",
      asked("main", { pullrequest_fork: true }, { pullrequest_fork: false }),
      true,
    ],
    ["one to which a request gave a word that is none", asked("main", {}, { pullrequest_fork: "no" }), true],
  ])("%s", (_, request, expected) => {
    expect(isForkBuild(request)).toBe(expected);
    if (expected) expect(forkPropertyOf(request)).toEqual({ pullrequest_fork: true });
    else expect([{}, { pullrequest_fork: false }]).toContainEqual(forkPropertyOf(request));
  });

  it("if it has a patch, which no one has accepted, whatever its properties say", () => {
    const own = asked("main", {}, { pullrequest_fork: false });
    const patch = { patchid: 1, body: null, level: 1, subdir: null, author: "Ada", comment: "" };
    const tried = { ...own, sourceStamps: own.sourceStamps.map((stamp) => ({ ...stamp, patch })) };
    expect([isForkBuild(own), isForkBuild(tried)]).toEqual([false, true]);
    expect(forkPropertyOf(tried)).toEqual({ pullrequest_fork: true });
  });

  it("if one of its codebases is", () => {
    const [own, fork] = [asked("main", {}), asked("main", { pullrequest_fork: true })];
    const both = { ...own, changes: [...own.changes, ...fork.changes] };
    expect(isForkBuild(both)).toBe(true);
  });
});
