import { expect, it } from "vitest";
import { matchRoute } from "../match-route.ts";
import { branchesOfPull, branchHref, pullOf } from "./addresses.ts";

it("names a branch by its page, whatever its name is", () => {
  for (const name of [
    "main",
    "release/1.2",
    "feature/a b?c#d%e",
    "refs/pull/7/merge",
    "app: main, lib: stable",
    "ветка",
  ]) {
    const { pathname } = new URL(branchHref(name), "http://localhost");
    expect(matchRoute("/branches/:branch*", pathname)).toEqual({ branch: name });
  }
  expect(branchHref("release/1.2")).toBe("/branches/release/1.2");
});

it("knows the branches of pull and merge requests", () => {
  expect(branchesOfPull("7").map(pullOf)).toEqual(Array(6).fill("7"));
  expect(["main", "pull/7", "refs/pull/7", "refs/heads/refs/pull/7/head", "refs/pull/x/head"].map(pullOf)).toEqual(
    Array(5).fill(undefined),
  );
});
