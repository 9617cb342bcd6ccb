import { describe, expect, it } from "vitest";
import { isOfFork, isRequestRef } from "./fork.ts";

describe("whose code it is", () => {
  it.each([
    ["a push", {}, false],
    ["a push of a branch", { branch: "main", event: "push" }, false],
    ["a fork's", { pullrequest_fork: true }, true],
    ["the repository's own", { pullrequest_number: 1, pullrequest_fork: false }, false],
    ["the repository's own, with its ref", { branch: "refs/pull/1/merge", pullrequest_fork: false }, false],
    ["a pull request that does not say", { pullrequest_number: 1 }, true],
    ["a pull request of which only the address is known", { pullrequesturl: "https://x/1" }, true],
    ["the ref of a pull request", { branch: "refs/pull/1/head" }, true],
    ["null", { pullrequest_fork: null }, true],
    ["the text false", { pullrequest_fork: "false" }, true],
    ["zero", { pullrequest_fork: 0 }, true],
    ["an object", { pullrequest_fork: {} }, true],
  ] as [string, Record<string, unknown>, boolean][])("%s", (_, properties, expected) => {
    expect(isOfFork(properties)).toBe(expected);
    const sourced = Object.entries(properties).map(([key, value]) => [key, [value, "Change"]]);
    expect(isOfFork(Object.fromEntries(sourced))).toBe(expected);
  });

  it.each([
    ["refs/pull/1/head", true],
    ["refs/merge-requests/1/head", true],
    ["refs/pull-requests/1/from", true],
    ["refs/changes/42/42/3", true],
    ["refs/keep-around/1234", true],
    ["refs/tags/v1", false],
    ["main", false],
    ["refs/heads/refs/pull/1/head", false],
    ["pull/1/head", true],
    ["pull/1", true],
    ["merge-requests/1/head", true],
    ["pull-requests/1/from", true],
    ["changes/42/42/3", true],
    [" refs/pull/8/head", true],
    ["\t+pull/8/head ", true],
    ["/refs/pull/8/head", true],
    ["REFS/pull/8/head", true],
    ["Refs/Heads/main", true],
    ["pull/new-parser", false],
    ["feature/pull/8/head", false],
    ["changes/2026", false],
  ])("%s is a request's: %s", (branch, expected) => {
    expect(isRequestRef(branch)).toBe(expected);
  });
});
