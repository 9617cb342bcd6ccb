import type { TestCluster } from "./cluster.ts";

/** SQL over the final rows; each finding is a sentence, none means that all is well (the invariants of any run). */
export async function findViolations(cluster: TestCluster): Promise<string[]> {
  const checks: [sentence: string, sql: string][] = [
    ["a request is not complete", "select id from buildrequests where complete <> 1"],
    ["a buildset is not complete though all its requests are", "select id from buildsets where complete <> 1"],
    ["a build still runs", "select id from builds where complete_at is null"],
    ["a step still runs", "select id from steps where complete_at is null"],
    ["a log is open", "select id from logs where complete <> 1"],
    [
      "a request was run to completion twice",
      "select buildrequestid as id from builds where results <> 5 group by buildrequestid having count(*) > 1",
    ],
    [
      "build numbers of a builder are not dense",
      "select builderid as id from builds group by builderid having max(number) <> count(*) or min(number) <> 1",
    ],
    [
      "a change is not in exactly one buildset of each scheduler",
      `select c.changeid as id from changes c where (
         select count(*) from buildset_sourcestamps s join buildset_properties p on p.buildsetid = s.buildsetid
           join buildsets b on b.id = s.buildsetid and b.rebuilt_buildid is null and b.parent_buildid is null
         where s.sourcestampid = c.sourcestampid and p.property_name = 'scheduler') <>
         (select count(*) from mm_scheduler_cursors k join schedulers n on n.id = k.schedulerid 
           where n.name not in ('force', 'children'))`,
    ],
    [
      "a log has a gap or an overlap",
      `select logid as id from (select logid, first_line, last_line, lag(last_line, 1, -1) over (partition by logid order by first_line) as before
         from logchunks) c where first_line <> before + 1`,
    ],
    [
      "a log's number of lines is not what is stored",
      "select l.id from logs l where l.num_lines <> coalesce((select max(last_line) + 1 from logchunks c where c.logid = l.id), 0)",
    ],
    [
      "a dead master still holds a claim of an open request",
      `select c.brid as id from buildrequest_claims c join buildrequests r on r.id = c.brid and r.complete = 0
         join mm_leases l on l.masterid = c.masterid where l.buried_at is not null or l.ended_at is not null`,
    ],
  ];
  const found: string[] = [];
  for (const [sentence, sql] of checks) {
    const rows = await cluster.rows<{ id: number }>(sql);
    if (rows.length > 0)
      found.push(
        `${sentence}: ${rows
          .slice(0, 5)
          .map(({ id }) => id)
          .join(", ")} (${rows.length} in all)`,
      );
  }
  return found;
}
