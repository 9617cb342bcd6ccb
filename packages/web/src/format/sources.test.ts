import { expect, it } from "vitest";
import { listSources } from "./sources.ts";

const stamp = (codebase: string, branch: string | null, revision: string | null) => ({ codebase, branch, revision });

it("names the one source by what was checked out", () => {
  const properties = { branch: ["main", "Build"], got_revision: ["abc", "Git"] } as never;
  expect(listSources(properties, [stamp("", "main", null)])).toEqual([
    { codebase: "", branch: "main", revision: "abc" },
  ]);
  expect(listSources({}, [stamp("lib", "main", "old")])).toEqual([
    { codebase: "lib", branch: "main", revision: "old" },
  ]);
  expect(listSources({}, [])).toEqual([]);
});

it("names each of several codebases", () => {
  const properties = { branch: ["main", "Build"], got_revision: [{ app: "a2", lib: "l2" }, "Git"] } as never;
  expect(
    listSources(properties, [stamp("lib", "stable", "l1"), stamp("app", "main", null), stamp("doc", null, "d1")]),
  ).toEqual([
    { codebase: "app", branch: "main", revision: "a2" },
    { codebase: "doc", branch: "", revision: "d1" },
    { codebase: "lib", branch: "stable", revision: "l2" },
  ]);
});
