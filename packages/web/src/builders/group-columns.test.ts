import { expect, it } from "vitest";
import { groupColumns } from "./group-columns.ts";

const builder = (name: string, projectid: number | null, ...tags: string[]) => ({ name, projectid, tags });

it("groups by project, without one by the first tag, and puts the others last", () => {
  const builders = [
    builder("z", null),
    builder("web", 1, "linux"),
    builder("api", 1),
    builder("kernel", null, "arm", "linux"),
    builder("gone", 7, "arm"),
  ];
  expect(
    groupColumns(builders, new Map([[1, "shop"]])).map(({ heading, builders: own }) => [
      heading,
      own.map(({ name }) => name),
    ]),
  ).toEqual([
    ["arm", ["gone", "kernel"]],
    ["shop", ["api", "web"]],
    ["", ["z"]],
  ]);
});
