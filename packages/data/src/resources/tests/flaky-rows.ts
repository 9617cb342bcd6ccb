import { type Connection, queryRows } from "@multimaster/database";
import { groupValues } from "../../read/group-values.ts";
import { hasFailed, isWhole, outcomeOf } from "./test-rows.ts";

/** How many builds back are read: of one builder, and of all builders together. */
const recentBuilds = 20;
const recentSets = 2000;
/** The number of tests that are checked, those that failed most often first. */
const mostSuspects = 500;
/** One turn is a test that broke, or was repaired; a second one makes it unpredictable. */
const fewestTurns = 2;

export interface FlakyRow {
  testid: number;
  /** Its recent outcomes, oldest first. */
  outcomes: string[];
  /** How often its outcome differed from the one before. */
  turns: number;
}

/**
 * Tests that failed and passed by turns in recent builds, of one builder when it is given. Only what has failed can be
 * flaky, and an index has that.
 */
export async function readFlaky(connection: Connection, builderid: number | undefined): Promise<FlakyRow[]> {
  const sets = await readRecentSets(connection, builderid);
  const oldest = sets.reduce((least, id) => Math.min(least, id), Number.POSITIVE_INFINITY);
  if (sets.length === 0) return [];
  const isRecent = connection.dialect.isOneOf("r.test_result_setid", sets);
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
  const known = new Set(sets);
  const outcomes = groupValues(
    runs.flatMap(({ testid, setid, outcome }) =>
      known.has(setid) && outcome !== "skip" ? [[testid, outcome] as const] : [],
    ),
  );
  return [...outcomes].map(([testid, own]) => describe(testid, own)).filter(({ turns }) => turns >= fewestTurns);
}

function describe(testid: number, outcomes: string[]): FlakyRow {
  const turns = outcomes.filter((outcome, i) => i > 0 && (outcome === "pass") !== (outcomes[i - 1] === "pass")).length;
  return { testid, outcomes, turns };
}

/** Ids of the sets of the recent builds. */
async function readRecentSets(connection: Connection, builderid: number | undefined): Promise<number[]> {
  const rows = await queryRows<{ id: number; builderid: number; buildid: number }>(
    connection,
    `select s.id, s.builderid, s.buildid from test_result_sets s
      where ${isWhole("s")}${builderid === undefined ? "" : " and s.builderid = cast(? as bigint)"}
      order by ${builderid === undefined ? "s.id" : "s.buildid"} desc limit ${recentSets}`,
    builderid === undefined ? [] : [builderid],
  );
  return [...groupValues(rows.map((row) => [row.builderid, row] as const)).values()].flatMap((own) => {
    const builds = [...new Set(own.map(({ buildid }) => buildid))].sort((a, b) => b - a).slice(0, recentBuilds);
    return own.filter(({ buildid }) => builds.includes(buildid)).map(({ id }) => id);
  });
}
