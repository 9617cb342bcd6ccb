import type { Connection } from "../connection.ts";
import { execute, insertIgnore, queryRows } from "../dialect.ts";
import { hashColumns } from "./hash.ts";

/** A build that a reporter has shown at a target, where users may ask to run it again. */
export interface ReportedBuildRow {
  readonly buildid: number;
  /** What the target calls it, such as the repository and commit. */
  readonly target: string;
}

/** So long may a user ask for it. */
const keptSeconds = 90 * 86_400;
/** Rows that each write removes at most: more than it adds. */
const pruned = 20;
/** Builds of one commit that one request runs again. */
const mostAtOnce = 100;

/** Notes that builds are shown there, in the transaction that notes that the report was sent. */
export async function noteReportedBuilds(
  tx: Connection,
  reporterid: number,
  builds: readonly ReportedBuildRow[],
): Promise<void> {
  if (builds.length === 0) return;
  const [clock] = await queryRows<{ now: number }>(tx, `select ${tx.dialect.now} as now`);
  const at = Number(clock?.now);
  await insertIgnore(tx, {
    table: "mm_reported_builds",
    rows: builds.map(({ buildid, target }) => ({ target: hashColumns(target), buildid, reporterid, at })),
    conflict: ["target", "buildid", "reporterid"],
  });
  await execute(
    tx,
    `delete from mm_reported_builds where (target, buildid, reporterid) in (
       select target, buildid, reporterid from mm_reported_builds where at < ? order by at limit ${pruned})`,
    [at - keptSeconds],
  );
}

/** The newest build of each builder that a configured reporter of this type has shown there, and that has ended. */
export async function findReportedBuilds(connection: Connection, type: string, target: string): Promise<number[]> {
  const rows = await queryRows<{ id: number }>(
    connection,
    `select max(b.id) as id from mm_reported_builds s join mm_reporters r on r.id = s.reporterid join builds b on b.id = s.buildid
      where s.target = ? and r.type = ? and r.configured = 1 and b.complete_at is not null
      group by b.builderid order by max(b.id) limit ${mostAtOnce}`,
    [hashColumns(target), type],
  );
  return rows.map(({ id }) => id);
}

/** Whether a configured reporter of this type has shown this build there. */
export async function isReportedBuild(
  connection: Connection,
  type: string,
  { buildid, target }: ReportedBuildRow,
): Promise<boolean> {
  const rows = await queryRows(
    connection,
    `select 1 as one from mm_reported_builds s join mm_reporters r on r.id = s.reporterid
      where s.target = ? and s.buildid = ? and r.type = ? and r.configured = 1 limit 1`,
    [hashColumns(target), buildid, type],
  );
  return rows.length > 0;
}

/** Whether a rebuild of this build, or of another of its chain, has not ended. */
export async function isBeingRebuilt(connection: Connection, first: number): Promise<boolean> {
  const rows = await queryRows(
    connection,
    "select 1 as one from buildsets where rebuilt_buildid = ? and complete = 0 limit 1",
    [first],
  );
  return rows.length > 0;
}
