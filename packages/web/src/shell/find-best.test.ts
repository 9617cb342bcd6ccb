import { expect, it } from "vitest";
import { findBest } from "./find-best.ts";

const all = [
  { kind: "builder", name: "docs", href: "/builders/1" },
  { kind: "builder", name: "linux-docs", href: "/builders/2" },
  { kind: "worker", name: "mydocs", href: "/workers/1" },
  { kind: "change", name: "Fix it · Ann", also: "abcdef12", href: "/changes/1" },
];

it("puts names that begin with the text before those that contain it", () => {
  expect(findBest(all, "doc", 9).map(({ name }) => name)).toEqual(["docs", "linux-docs", "mydocs"]);
  expect(findBest(all, "abcd", 9).map(({ href }) => href)).toEqual(["/changes/1"]);
  expect(findBest(all, "nothing like it", 9)).toEqual([]);
});

it("puts a builder whose name ends with a number before a build of that number", () => {
  const ppc = { kind: "builder", name: "ppc64le 150", href: "/builders/3" };
  expect(findBest([...all, ppc, { kind: "builder", name: "ppc64le", href: "/builders/4" }], "ppc64le 150", 9)).toEqual([
    ppc,
    { kind: "build", name: "ppc64le #150", href: "/builders/4/builds/150" },
    { kind: "build", name: "ppc64le 150 #150", href: "/builders/3/builds/150" },
  ]);
});

it("reads a builder and a number as a build", () => {
  expect(findBest(all, "docs 12", 9)[0]).toEqual({ kind: "build", name: "docs #12", href: "/builders/1/builds/12" });
  expect(findBest(all, "linux-docs#3", 9)[0]?.href).toBe("/builders/2/builds/3");
});
