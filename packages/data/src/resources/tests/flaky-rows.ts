import { type Connection, queryRows } from "@multimaster/database";
import { groupValues } from "../../read/group-values.ts";
import { type FlakyRow, judgeFlaky, readRunPlaces } from "./run-places.ts";
import { hasFailed, isWhole, outcomeOf } from "./test-rows.ts";

/** How many builds back are read: of one builder, and of all builders together. */
const recentBuilds = 20;
const recentSets = 2000;
/** The number of tests that are checked, those that failed most often first. */
const mostSuspects = 500;

/**
 * Tests that failed and passed alternately in recent builds of one branch, in the order of their sources, or that did both at one
 * revision; of one builder when it is given. Only what has failed can be flaky, and an index has that.
 */
export async function readFlaky(connection: Connection, builderid: number | undefined): Promise<FlakyRow[]> {
  const sets = await readRecentSets(connection, builderid);
  const ids = sets.map(({ id }) => id);
  const oldest = ids.reduce((least, id) => Math.min(least, id), Number.POSITIVE_INFINITY);
  if (sets.length === 0) return [];
  const isRecent = connection.dialect.isOneOf("r.test_result_setid", ids);
  const suspects = await queryRows<{ testid: number }>(
    connection,
    `select r.test_nameid as testid from test_results r
      where ${isRecent.sql} and ${hasFailed("r")} and r.test_nameid is not null
      group by r.test_nameid order by count(*) desc, r.test_nameid limit ${mostSuspects}`,
    isRecent.bindings,
  );
  const isSuspect = connection.dialect.isOneOf(
    "r.test_nameid",
    suspects.map(({ testid }) => testid),
  );
  const runs = await queryRows<{ testid: number; setid: number; outcome: string }>(
    connection,
    `select r.test_nameid as testid, r.test_result_setid as setid, ${outcomeOf("r")} as outcome from test_results r
      where ${isSuspect.sql} and r.test_result_setid >= ? order by r.test_nameid, r.test_result_setid, r.id`,
    [...isSuspect.bindings, oldest],
  );
  const buildOf = new Map(sets.map(({ id, buildid }) => [id, buildid]));
  const places = await readRunPlaces(connection, [...new Set(buildOf.values())]);
  const byTest = groupValues(
    runs.flatMap(({ testid, setid, outcome }) => {
      const place = places.get(buildOf.get(setid) ?? 0);
      return place && outcome !== "skip" ? [[testid, { ...place, outcome }] as const] : [];
    }),
  );
  return [...byTest].flatMap(([testid, own]) => judgeFlaky(testid, own) ?? []);
}

interface RecentSet {
  readonly id: number;
  readonly buildid: number;
}

/** The sets of the recent builds. */
async function readRecentSets(connection: Connection, builderid: number | undefined): Promise<RecentSet[]> {
  const rows = await queryRows<{ id: number; builderid: number; buildid: number }>(
    connection,
    `select s.id, s.builderid, s.buildid from test_result_sets s
      where ${isWhole("s")}${builderid === undefined ? "" : " and s.builderid = cast(? as bigint)"}
      order by ${builderid === undefined ? "s.id" : "s.buildid"} desc limit ${recentSets}`,
    builderid === undefined ? [] : [builderid],
  );
  return [...groupValues(rows.map((row) => [row.builderid, row] as const)).values()].flatMap((own) => {
    const builds = [...new Set(own.map(({ buildid }) => buildid))].sort((a, b) => b - a).slice(0, recentBuilds);
    return own.filter(({ buildid }) => builds.includes(buildid));
  });
}
