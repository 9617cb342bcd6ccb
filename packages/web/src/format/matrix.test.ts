import type { Build, Change } from "@multimaster/data";
import { expect, it } from "vitest";
import { arrangeByRevision } from "./matrix.ts";

const change = (revision: string, when_timestamp: number) => ({ revision, when_timestamp, branch: "main" }) as Change;
const build = (builderid: number, number: number, revision: string) =>
  ({
    buildid: number,
    builderid,
    number,
    started_at: number,
    properties: { got_revision: [revision, "git"], branch: ["dev", "x"] },
  }) as unknown as Build;

it("puts each build under the revision it built, and keeps changes of which nothing was built", () => {
  const rows = arrangeByRevision([change("aaa", 10), change("bbb", 20)], [build(1, 5, "aaa"), build(1, 6, "aaa")]);
  expect(rows.map(({ revision, builds }) => [revision, builds.get(1)?.map(({ number }) => number)])).toEqual([
    ["bbb", undefined],
    ["aaa", [6, 5]],
  ]);
});

it("shows forced builds with their true revision and branch", () => {
  const [row] = arrangeByRevision([], [build(2, 30, "ccc")]);
  expect(row).toMatchObject({ revision: "ccc", branch: "dev", change: undefined, at: 30 });
});
