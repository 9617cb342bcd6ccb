import { expect, it } from "vitest";
import { findFailing } from "./failing.ts";

const build = (builderid: number, number: number, results: number | null) => ({
  buildid: builderid * 100 + number,
  builderid,
  number,
  results,
  complete: results !== null,
  started_at: number * 10,
  complete_at: results === null ? null : number * 10 + 5,
});

it("finds the builders that fail and since which build, also with cancelled and running builds in between", () => {
  const builds = [
    ...[build(1, 1, 0), build(1, 2, 2), build(1, 3, 6), build(1, 4, 4), build(1, 5, null)],
    ...[build(2, 1, 2), build(2, 2, 0)],
    build(3, 1, 2),
  ];
  expect(findFailing(builds).map(({ builderid, first, last, count }) => [builderid, first.number, last.number, count]))
    // The longest failing one needs attention most.
    .toEqual([
      [3, 1, 1, 1],
      [1, 2, 4, 2],
    ]);
});
