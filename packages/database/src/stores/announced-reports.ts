import { Results } from "@multimaster/core";
import type { Connection } from "../connection.ts";
import { execute, insertIgnore, queryRows } from "../dialect.ts";
import { isBehind, lockReports } from "./reports.ts";

/** Ends that one statement adds. */
const atOnce = 500;

/** A state that a target shows, or will, and the end of its build that no report is about. */
interface MissedEnd {
  readonly outboxid: number;
  readonly context: string;
  readonly buildid: number;
  readonly about: string;
  readonly at: number;
  /** The result of its request, if the build was lost and is not run again. */
  readonly results: number | null;
}

/**
 * Owes the ends of builds that a reporter has announced and was not asked about when they ended: no config had it then, or the build
 * was lost, and its request ended before it ran again. They come into the context of what was announced. Returns how many.
 */
export async function oweMissedEnds(tx: Connection, reporterid: number): Promise<number> {
  await lockReports(tx, [reporterid]);
  let count = 0;
  for (;;) {
    const missed = await findMissedEnds(tx, reporterid);
    if (missed.length === 0) return count;
    const rows = missed.map(({ outboxid, context, buildid, about, at, results }) => ({
      reporterid,
      // What was announced has one end: a second master cannot add it again.
      outboxid: -outboxid,
      kind: "build-ended",
      objectid: buildid,
      facts: results === null ? "{}" : JSON.stringify({ results }),
      happened_at: at,
      context,
      about,
      final: 1,
      state: "owed",
    }));
    await insertIgnore(tx, { table: "mm_reports", rows, conflict: ["outboxid", "reporterid"] });
    const added = tx.dialect.isOneOf(
      "outboxid",
      rows.map(({ outboxid }) => outboxid),
    );
    await execute(tx, `update mm_reports set is_first = 0 where reporterid = ? and ${added.sql} and ${isBehind}`, [
      reporterid,
      ...added.bindings,
    ]);
    count += missed.length;
    if (missed.length < atOnce) return count;
  }
}

/** A build that was lost is followed by another of its request: the last of them counts, or the end of the request if none follows. */
function findMissedEnds(tx: Connection, reporterid: number): Promise<MissedEnd[]> {
  return queryRows<MissedEnd>(
    tx,
    `select r.outboxid, r.context, e.id as buildid, b.name || ' #' || e.number as about,
       case when e.results = ${Results.RETRY} then coalesce(q.complete_at, e.complete_at) else e.complete_at end as at,
       case when e.results = ${Results.RETRY} then q.results end as results
       from mm_reports r
       join builds x on x.id = r.objectid
       join buildrequests q on q.id = x.buildrequestid
       join builds e on e.id = (select max(n.id) from builds n where n.buildrequestid = x.buildrequestid)
       join builders b on b.id = e.builderid
      where r.reporterid = ? and r.final = 0 and r.state in ('owed', 'sent') and r.kind in ('build-started', 'build-ended')
        and e.complete_at is not null
        and (e.results <> ${Results.RETRY} or (q.complete = 1 and q.results >= 0 and q.results <> ${Results.RETRY}))
        and not exists (select 1 from mm_reports l where l.reporterid = r.reporterid and l.context = r.context and l.id > r.id)
        and not exists (select 1 from mm_outbox o where o.objectid = e.id and o.kind = 'build-ended' and o.owed = 1)
        and not exists (select 1 from mm_reports u where u.reporterid = r.reporterid and u.objectid = e.id
                         and u.kind = 'build-ended' and u.ended_at is null)
      order by r.id limit ${atOnce}`,
    [reporterid],
  );
}
