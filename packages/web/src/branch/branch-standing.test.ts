import type { BranchBuild, BranchBuilder } from "@multimaster/data";
import { describe, expect, it } from "vitest";
import { failedBuilds, orderBuilders, standingOfBranch, unlistedChildren } from "./branch-standing.ts";

const aBuild = (buildid: number, results: number | null, more: Partial<BranchBuild> = {}): BranchBuild => ({
  buildrequestid: buildid,
  buildid,
  number: buildid,
  builderid: buildid,
  builder: `b${buildid}`,
  parent_buildid: null,
  depth: 0,
  complete: results !== null,
  results,
  started_at: 1,
  complete_at: results === null ? null : 2,
  state_string: "",
  revision: null,
  children: 0,
  children_failed: 0,
  children_more: false,
  ...more,
});

const aBuilder = (builds: readonly BranchBuild[], more: Partial<BranchBuilder> = {}): BranchBuilder => ({
  builderid: builds[0]?.builderid ?? 0,
  builder: builds[0]?.builder ?? "none",
  projectid: null,
  configured: true,
  buildid: builds[0]?.complete ? builds[0].buildid : null,
  results: builds[0]?.results ?? null,
  failing: false,
  behind: false,
  running: 0,
  waiting: 0,
  builds: [...builds],
  ...more,
});

describe("the state of a branch", () => {
  it("is failure if a builder fails, whatever else runs", () => {
    expect(standingOfBranch([aBuilder([aBuild(1, 0)]), aBuilder([aBuild(2, 2)], { running: 1, waiting: 2 })])).toEqual({
      standing: "failure",
      words: "1 of 2 builders pass, 1 fails, 1 build runs, 2 requests wait",
    });
  });

  it("is success only if something passed and nothing is open", () => {
    expect(standingOfBranch([aBuilder([aBuild(1, 0)]), aBuilder([aBuild(2, 1)])])).toEqual({
      standing: "success",
      words: "2 of 2 builders pass",
    });
    expect(standingOfBranch([aBuilder([aBuild(1, 0)], { running: 1 })]).standing).toBe("running");
    expect(standingOfBranch([aBuilder([], { waiting: 1 })])).toEqual({ standing: "pending", words: "1 request waits" });
    expect(standingOfBranch([]).standing).toBe("skipped");
  });
});

describe("what is built again", () => {
  it("is what failed, but not what a failed parent triggers again", () => {
    const parent = aBuild(1, 2);
    const child = aBuild(2, 2, { parent_buildid: 1, depth: 1 });
    const lonely = aBuild(3, 4);
    const builders = [
      aBuilder([parent, child]),
      aBuilder([], { builderid: 2, buildid: 2, results: 2 }),
      aBuilder([lonely]),
      aBuilder([aBuild(4, 0)]),
    ];
    expect(failedBuilds(builders)).toEqual([1, 3]);
  });

  it("is a failed child of a parent that passed, and nothing of a builder that builds again already", () => {
    const child = aBuild(2, 2, { parent_buildid: 1, depth: 1 });
    const builders = [
      aBuilder([aBuild(1, 0), child]),
      aBuilder([], { builderid: 2, buildid: 2, results: 2 }),
      aBuilder([aBuild(5, 2)], { running: 1 }),
    ];
    expect(failedBuilds(builders)).toEqual([2]);
  });
});

it("lists first what failed, then what is open", () => {
  const builders = [
    aBuilder([aBuild(1, 0)]),
    aBuilder([aBuild(2, 0)], { running: 1 }),
    aBuilder([aBuild(3, 4)]),
    aBuilder([aBuild(4, 2)]),
  ];
  expect(orderBuilders(builders).map(({ builderid }) => builderid)).toEqual([3, 4, 2, 1]);
});

it("says how many children are not listed", () => {
  const parent = aBuild(1, 2, { children: 3 });
  const child = aBuild(2, 2, { parent_buildid: 1, depth: 1 });
  expect(unlistedChildren(parent, [parent, child])).toBe("and 2 others");
  expect(unlistedChildren({ ...parent, children_more: true }, [parent, child])).toBe("and others");
  expect(unlistedChildren({ ...parent, children: 1 }, [parent, child])).toBe("");
});
