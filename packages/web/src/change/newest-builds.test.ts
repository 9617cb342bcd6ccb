import { expect, it } from "vitest";
import { newestBuilds } from "./newest-builds.ts";

it("is one build of each builder, the one with the highest id", () => {
  const builds = [
    { buildid: 3, builderid: 7 },
    { buildid: 5, builderid: 2 },
    { buildid: 9, builderid: 7 },
    { buildid: 4, builderid: 2 },
  ];
  expect(newestBuilds(builds)).toEqual([
    { buildid: 5, builderid: 2 },
    { buildid: 9, builderid: 7 },
  ]);
  expect(newestBuilds([])).toEqual([]);
});
