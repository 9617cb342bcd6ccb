import { type Connection, queryRows } from "@multimaster/database";
import { groupValues } from "../../read/group-values.ts";
import { readBuildProperties } from "../build-properties.ts";

/** Where the source of a build stands: see docs/decisions/failing-by-source.md. */
export interface RunPlace {
  readonly buildid: number;
  /** The builder and branch. */
  readonly lineid: number;
  readonly position: number;
  /** What was checked out; undefined: the build does not say. */
  readonly revision: string | undefined;
}

export interface PlacedRun extends RunPlace {
  readonly outcome: string;
}

/** Builds by id; without those that stand nowhere, such as the ones of a patch. */
export async function readRunPlaces(
  connection: Connection,
  buildids: readonly number[],
): Promise<Map<number, RunPlace>> {
  const wanted = connection.dialect.isOneOf("n.buildid", buildids);
  const [rows, properties] = await Promise.all([
    queryRows<{ buildid: number; lineid: number; position: number }>(
      connection,
      `select n.buildid, n.lineid, n.position from mm_line_builds n where ${wanted.sql}`,
      wanted.bindings,
    ),
    readBuildProperties({ connection, properties: ["got_revision"] }, buildids),
  ]);
  return new Map(
    rows.map((row) => {
      const got = properties.get(row.buildid)?.["got_revision"]?.[0];
      return [row.buildid, { ...row, revision: got === undefined || got === null ? undefined : JSON.stringify(got) }];
    }),
  );
}

export interface FlakyRow {
  testid: number;
  /** Its recent outcomes on the branch where it turned most often, oldest source first. */
  outcomes: string[];
  /** How often its outcome differed from the one before. */
  turns: number;
}

/** One turn is a test that broke, or was repaired; a second one on the same branch makes it unpredictable. */
const fewestTurns = 2;

/** Judges the runs of one test; undefined if it is not flaky. */
export function judgeFlaky(testid: number, runs: readonly PlacedRun[]): FlakyRow | undefined {
  const lines = [...groupValues(runs.map((run) => [run.lineid, run] as const)).values()].map((own) => {
    const ordered = [...own].sort((a, b) => a.position - b.position || a.buildid - b.buildid);
    const passed = (run: PlacedRun | undefined) => run?.outcome === "pass";
    const turned = ordered.filter((run, i) => i > 0 && passed(run) !== passed(ordered[i - 1]));
    return {
      outcomes: ordered.map(({ outcome }) => outcome),
      turns: turned.length,
      isFlaky: turned.length >= fewestTurns || hasBothAtOneRevision(ordered),
    };
  });
  const [most] = lines.filter(({ isFlaky }) => isFlaky).sort((a, b) => b.turns - a.turns);
  return most && { testid, outcomes: most.outcomes, turns: most.turns };
}

function hasBothAtOneRevision(runs: readonly PlacedRun[]): boolean {
  const passedAt = new Map<string, boolean>();
  return runs.some(({ revision, outcome }) => {
    if (revision === undefined) return false;
    const before = passedAt.get(revision);
    passedAt.set(revision, outcome === "pass");
    return before !== undefined && before !== (outcome === "pass");
  });
}
