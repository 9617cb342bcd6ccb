import { expect, it } from "vitest";
import { listDirectory, listSteps } from "./directories.ts";

const files = ["a.txt", "doc/index.html", "doc/api/x.html", "doc/api/y.html", "docs"].map((name) => ({
  name,
  size: 10,
}));

it("lists what is directly in a directory", () => {
  expect(listDirectory(files, "")).toEqual({
    directories: [{ name: "doc", files: 3, bytes: 30 }],
    files: [files[0], files[4]],
  });
  expect(listDirectory(files, "doc/")).toEqual({
    directories: [{ name: "api", files: 2, bytes: 20 }],
    files: [files[1]],
  });
  expect(listDirectory(files, "none/")).toEqual({ directories: [], files: [] });
});

it("names the way to a directory", () => {
  expect(listSteps("")).toEqual([]);
  expect(listSteps("doc/api/")).toEqual([
    { name: "doc", path: "doc/" },
    { name: "api", path: "doc/api/" },
  ]);
});
