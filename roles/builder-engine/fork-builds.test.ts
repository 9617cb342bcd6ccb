import type { RequestDetails } from "@multimaster/data";
import { expect, it } from "vitest";
import { buildsFork } from "./fork-builds.ts";

type Properties = RequestDetails["properties"];
const details = (
  branches: (string | null)[],
  changes: { branch: string | null; properties: Properties }[] = [],
  properties: Properties = {},
) => ({ sourceStamps: branches.map((branch) => ({ branch })), changes, properties }) as unknown as RequestDetails;
const fork = (value: boolean): Properties => ({ pullrequest_fork: [value, "Change"] });

it.each([
  ["a push", details(["main"], [{ branch: "main", properties: {} }]), false],
  ["a forced build", details([null]), false],
  ["a tag", details(["refs/tags/v1"]), false],
  ["a fork's request", details(["refs/pull/9/merge"], [{ branch: "refs/pull/9/merge", properties: fork(true) }]), true],
  ["a fork's request under a plain name", details(["main"], [{ branch: "main", properties: fork(true) }]), true],
  ["an own request", details(["refs/pull/9/merge"], [{ branch: "refs/pull/9/merge", properties: fork(false) }]), false],
  [
    "a request of unknown origin",
    details(["main"], [{ branch: "main", properties: { pullrequest: ["9", "Change"] } }]),
    true,
  ],
  ["a forced build of a request", details(["refs/pull/9/head"]), true],
  ["a forced build of a change of Gerrit", details(["refs/changes/01/1/1"]), true],
  ["a second codebase of a fork", details(["main", "refs/pull/9/head"]), true],
  [
    "an own request with a fork's",
    details(
      ["main"],
      [
        { branch: "a", properties: fork(true) },
        { branch: "b", properties: fork(false) },
      ],
    ),
    true,
  ],
  ["a fork's request that was triggered", details(["main"], [], fork(true)), true],
])("tells whether a build is of a fork's code: %s", (_, request, expected) => {
  expect(buildsFork(request)).toBe(expected);
});
