import { type Result, Results } from "@multimaster/core";
import { execute, findOrCreateSourceStamp, queryRows } from "@multimaster/database";
import type { ReporterOptions, ReportMode } from "@multimaster/plugins/reporters/reporter-options";
import { wantsEvent } from "@multimaster/plugins/reporters/wants-event";
import { describe, expect, it } from "vitest";
import { aWorker, buildsetFor, type Member, stamp, startMasters } from "../../harness/masters-with-data.ts";
import { engines } from "../../harness/test-databases.ts";

const { SUCCESS, WARNINGS, FAILURE, EXCEPTION, CANCELLED, RETRY, SKIPPED } = Results;
const judged: ReportMode[] = ["change", "problem", "fixed", "firstFailure"];

/** A build, and when it ends: builds of a test end in the order of `at`, and begin in the order of the list. */
interface Ending {
  readonly results: Result;
  readonly branch?: string | null;
  readonly repository?: string;
  readonly at?: number;
  readonly builder?: string;
  /** Builds with the same word are of one buildset. */
  readonly buildset?: string;
  readonly patch?: boolean;
}

const aPatch = { level: 1, author: "ann", comment: "a try", subdir: null, body: Buffer.from("--- a") };

/** Builds, as a reporter reads them once all have ended, with the modes against the previous build that want each. */
async function report(engine: (typeof engines)[number], endings: readonly Ending[]) {
  const masters = await startMasters(engine);
  const member = await masters.join();
  const workerid = await aWorker(member);
  const buildsets = new Map<string, number[]>();
  const ids: number[] = [];
  for (const [i, ending] of endings.entries()) ids.push(await build(member, workerid, ending, endings, buildsets, i));
  for (const [i, { results, at = i }] of endings.entries())
    await execute(masters.database, "update builds set complete_at = ?, results = ? where id = ?", [
      1000 + at,
      results,
      ids[i],
    ]);
  const read = await member.updates.reports.readBuilds(ids);
  return ids.map((id) => {
    const found = read.get(id);
    if (!found) throw new Error("a build is missing");
    const wants = (mode: ReportMode) =>
      wantsEvent({ event: "build-ended", at: 1, build: found }, { modes: [mode] } as unknown as ReporterOptions);
    return [found.previous?.number ?? null, judged.filter(wants).join(" ")];
  });
}

async function build(
  member: Member,
  workerid: number,
  { branch = "main", repository = stamp.repository, builder = "web", buildset, patch }: Ending,
  all: readonly Ending[],
  open: Map<string, number[]>,
  i: number,
): Promise<number> {
  const key = `${buildset ?? i} ${builder}`;
  if (!open.has(key)) {
    const together = buildset === undefined ? [{ builder }] : all.filter((one) => one.buildset === buildset);
    const names = together.map((one) => one.builder ?? "web");
    const source = { ...stamp, branch, repository, revision: `r${i}`, ...(patch && { patch: aPatch }) };
    const sourceStamps = [await member.database.transaction((tx) => findOrCreateSourceStamp(tx, source))];
    const { requests } = await member.updates.buildsets.add({ ...buildsetFor(...names), sourceStamps });
    const rows = await queryRows<{ id: number; name: string }>(member.database, "select id, name from builders");
    for (const { id, name } of rows)
      if (requests[id] !== undefined) open.set(`${buildset ?? i} ${name}`, [requests[id]]);
  }
  const [buildrequestid] = open.get(key) as [number];
  await member.updates.buildrequests.claim([buildrequestid]);
  const created = await member.updates.builds.create({ buildrequestid, workerid });
  if (created === "lost") throw new Error("the build was not created");
  return created.buildid;
}

describe.each(engines)("the previous build, on %s,", (engine) => {
  it.each<[string, Ending[], (readonly [number | null, string])[]]>([
    ["is none for the first", [{ results: FAILURE }], [[null, "problem firstFailure"]]],
    [
      "is the one before",
      [{ results: SUCCESS }, { results: FAILURE }, { results: FAILURE }, { results: EXCEPTION }, { results: WARNINGS }],
      [
        [null, ""],
        [1, "change problem firstFailure"],
        [2, ""],
        [3, "change"],
        [4, "change fixed"],
      ],
    ],
    [
      "is of the same branch and repository",
      [
        { results: SUCCESS },
        { results: FAILURE, branch: "dev" },
        { results: SUCCESS, branch: null },
        { results: SUCCESS, repository: "https://example.org/fork.git" },
        { results: FAILURE },
        { results: SUCCESS, branch: "dev" },
        { results: FAILURE, branch: null },
      ],
      [
        [null, ""],
        [null, "problem firstFailure"],
        [null, ""],
        [null, ""],
        [1, "change problem firstFailure"],
        [2, "change fixed"],
        [3, "change problem firstFailure"],
      ],
    ],
    [
      "is none that was cancelled, skipped or run again",
      [{ results: SUCCESS }, { results: CANCELLED }, { results: RETRY }, { results: SKIPPED }, { results: FAILURE }],
      [
        [null, ""],
        [1, ""],
        [1, ""],
        [1, ""],
        [1, "change problem firstFailure"],
      ],
    ],
    [
      "is one that had ended: builds that run beside it do not count",
      [{ results: SUCCESS }, { results: FAILURE, at: 9 }, { results: SUCCESS, at: 5 }],
      [
        [null, ""],
        [1, ""],
        [1, ""],
      ],
    ],
    [
      "is compared once for each turn, when builds end out of order",
      [
        { results: SUCCESS, at: 0 },
        { results: SUCCESS, at: 7 },
        { results: FAILURE, at: 3 },
        { results: SUCCESS, at: 8 },
      ],
      [
        [null, ""],
        // The older sources pass, which fixes nothing.
        [1, ""],
        [1, "change problem firstFailure"],
        [3, "change fixed"],
      ],
    ],
    [
      "of one second are ordered by their numbers",
      [
        { results: SUCCESS, at: 1 },
        { results: FAILURE, at: 1 },
        { results: SUCCESS, at: 1 },
      ],
      [
        [null, ""],
        [1, "change problem firstFailure"],
        [2, "change fixed"],
      ],
    ],
    [
      "is not a try of a patch, and a try is compared with its branch",
      [{ results: SUCCESS }, { results: FAILURE, patch: true }, { results: SUCCESS }],
      [
        [null, ""],
        [1, "change problem firstFailure"],
        [1, ""],
      ],
    ],
    [
      "of each builder: of a buildset only the first that begins to fail is a first failure",
      [
        { results: SUCCESS, builder: "web" },
        { results: FAILURE, builder: "docs" },
        { results: FAILURE, builder: "docs", buildset: "x", at: 2 },
        { results: FAILURE, builder: "web", buildset: "x", at: 3 },
        { results: FAILURE, builder: "more", buildset: "x", at: 4 },
      ],
      [
        [null, ""],
        [null, "problem firstFailure"],
        // It failed before, so it takes no other's place.
        [1, ""],
        [1, "change problem firstFailure"],
        [null, "problem"],
      ],
    ],
  ])("%s", async (_, endings, wanted) => {
    expect(await report(engine, endings)).toEqual(wanted);
  });
});
