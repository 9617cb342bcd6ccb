import { expect, it } from "vitest";
import { groupBuilders } from "./group-builders.ts";

const builders = [
  { name: "a", projectid: 2 },
  { name: "b", projectid: null },
  { name: "c", projectid: 1 },
  { name: "d", projectid: 2 },
];
const projects = new Map([
  [1, "shop"],
  [2, "kernel"],
]);
const drawn = (favourites: readonly string[], known = projects) =>
  groupBuilders(builders, new Set(favourites), known).map((row) =>
    "heading" in row ? `# ${row.heading}` : row.builder.name,
  );

it("groups builders by project, the favourites first", () => {
  expect(drawn([])).toEqual(["# kernel", "a", "d", "# shop", "c", "# No project", "b"]);
  expect(drawn(["d", "c", "gone"])).toEqual(["# Favourites", "c", "d", "# kernel", "a", "# No project", "b"]);
});

it("has no headings where nothing is to be told apart", () => {
  expect(drawn([], new Map())).toEqual(["a", "b", "c", "d"]);
  expect(drawn(["b"], new Map())).toEqual(["# Favourites", "b", "# Others", "a", "c", "d"]);
  expect(groupBuilders([], new Set(), projects)).toEqual([]);
});
