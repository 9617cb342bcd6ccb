import type { Connection, Row } from "../connection.ts";
import { queryRows } from "../dialect.ts";

/** A builder as rules of retention ask for it. */
export interface RetentionBuilder {
  id: number;
  name: string;
  tags: string[];
  /** The id of its newest build; 0: it has none. */
  newest: number;
}

/** Every builder that has rows, whether it is configured or not, in the order of their ids. */
export async function retentionBuilders(connection: Connection): Promise<RetentionBuilder[]> {
  const rows = await queryRows<Omit<RetentionBuilder, "tags">>(
    connection,
    `select d.id, d.name, coalesce((select max(b.id) from builds b where b.builderid = d.id), 0) as newest
       from builders d order by d.id`,
  );
  const tagged = await queryRows<{ builderid: number; name: string }>(
    connection,
    "select bt.builderid, t.name from builders_tags bt join tags t on t.id = bt.tagid",
  );
  const tags = new Map<number, string[]>();
  for (const { builderid, name } of tagged) tags.set(builderid, [...(tags.get(builderid) ?? []), name]);
  return rows.map((row) => ({ ...row, tags: tags.get(row.id) ?? [] }));
}

/** A build, or a request, as far as its age tells whether a rule is about it. */
export interface AgedRow {
  id: number;
  results: number | null;
  started_at: number;
  complete_at: number | null;
  /** Of a request: it has builds, which rules delete by their own age. */
  built: number;
}

/** What is asked only about what is old enough. */
export interface Need {
  id: number;
  buildsetid: number;
  /** No running work, mark or later decision needs it. */
  unneeded: number;
  /** A user keeps it. */
  kept: number;
}

/** SQL: something is to be reported about the object: a reporter has not been asked yet, or has not sent it. */
const isReported = (kind: "build" | "step" | "request" | "buildset", id: string) => `(
  exists (select 1 from mm_outbox o where o.objectid = ${id} and o.owed = 1 and o.kind like '${kind}-%')
  or exists (select 1 from mm_reports o join mm_reporters q on q.id = o.reporterid and q.configured = 1
    where o.objectid = ${id} and o.ended_at is null and o.kind like '${kind}-%'))`;

/**
 * On `builds b`, `buildrequests r` and `buildsets s` of one build: nothing that runs or waits needs it, and no one keeps it. The
 * row with the highest id of a table stays: SQLite would give its id again.
 */
const isUnneeded = `b.complete_at is not null and r.complete = 1 and s.complete = 1
  and b.id < (select max(n.id) from builds n where n.builderid = b.builderid)
  and b.id <> coalesce((select m.buildid from steps m where m.id = (select max(id) from steps)), 0)
  and b.id <> coalesce((select m.buildid from logs g join steps m on m.id = g.stepid
    where g.id = (select max(id) from logs)), 0)
  and not exists (select 1 from mm_kept_builds k where k.buildid = b.id)
  and not exists (select 1 from mm_adoptable_builds a where a.buildid = b.id)
  and not exists (select 1 from mm_commands c where c.buildid = b.id)
  and not exists (select 1 from buildsets c where c.parent_buildid = b.id and c.complete = 0)
  and not ${isReported("build", "b.id")}
  and (not exists (select 1 from mm_reporter_kinds k where k.kind like 'step-%')
    or not exists (select 1 from steps x where x.buildid = b.id and ${isReported("step", "x.id")}))`;

/** The same for the request and its buildset, whether the request has builds or not. */
const isRequestUnneeded = `r.complete = 1 and s.complete = 1
  and r.id < (select max(id) from buildrequests) and s.id < (select max(id) from buildsets)
  and not exists (select 1 from builds p join buildrequests q on q.id = p.buildrequestid
    where p.id = s.parent_buildid and (p.complete_at is null or q.complete = 0))
  and not exists (select 1 from mm_triggered_buildsets t join buildrequests q on q.id = t.buildrequestid
    where t.bsid = s.id and q.complete = 0)
  and not exists (select 1 from mm_request_ends e join buildrequests q on q.id = e.into_requestid
    where e.buildrequestid = r.id and q.complete = 0)
  and not exists (select 1 from mm_scheduler_slots t where t.buildsetid = s.id and (t.kind = 'buildset'
    or t.slot = (select max(n.slot) from mm_scheduler_slots n where n.schedulerid = t.schedulerid and n.kind = 'time')))
  and not ${isReported("request", "r.id")} and not ${isReported("buildset", "s.id")}`;

const ofBuild = "builds b join buildrequests r on r.id = b.buildrequestid join buildsets s on s.id = r.buildsetid";

interface Next {
  readonly builderid: number;
  readonly after: number;
  readonly limit: number;
}

/** The next builds of a builder after an id, oldest first. */
export function nextBuilds(connection: Connection, { builderid, after, limit }: Next): Promise<AgedRow[]> {
  return queryRows<Row & AgedRow>(
    connection,
    `select id, results, started_at, complete_at, 0 as built from builds
      where builderid = ? and id > ? order by id limit ?`,
    [builderid, after, limit],
  );
}

/**
 * The next requests of a builder after an id, oldest first. PostgreSQL would answer `exists` in what is selected by reading all builds.
 */
export function nextRequests(connection: Connection, { builderid, after, limit }: Next): Promise<AgedRow[]> {
  return queryRows<Row & AgedRow>(
    connection,
    `select r.id, r.results, r.submitted_at as started_at, r.complete_at,
            coalesce((select 1 from builds b where b.buildrequestid = r.id limit 1), 0) as built
       from buildrequests r where r.builderid = ? and r.id > ? order by r.id limit ?`,
    [builderid, after, limit],
  );
}

/** Whether anything needs these builds. */
export function needOfBuilds(connection: Connection, ids: readonly number[]): Promise<Need[]> {
  const wanted = connection.dialect.isOneOf("b.id", ids);
  return queryRows<Row & Need>(
    connection,
    `select b.id, s.id as buildsetid, case when ${isUnneeded} and ${isRequestUnneeded} then 1 else 0 end as unneeded,
            case when exists (select 1 from mm_kept_builds k where k.buildid = b.id) then 1 else 0 end as kept
       from ${ofBuild} where ${wanted.sql} order by b.id`,
    wanted.bindings,
  );
}

/** Whether anything needs these requests, which have no builds. */
export function needOfRequests(connection: Connection, ids: readonly number[]): Promise<Need[]> {
  const wanted = connection.dialect.isOneOf("r.id", ids);
  return queryRows<Row & Need>(
    connection,
    `select r.id, s.id as buildsetid, case when ${isRequestUnneeded} then 1 else 0 end as unneeded, 0 as kept
       from buildrequests r join buildsets s on s.id = r.buildsetid where ${wanted.sql} order by r.id`,
    wanted.bindings,
  );
}

/** The oldest of the newest builds of a builder, as many as these; undefined: it has none. */
export async function oldestOfNewest(
  connection: Connection,
  builderid: number,
  count: number,
): Promise<{ id: number; requestid: number } | undefined> {
  const rows = await queryRows<{ id: number; requestid: number }>(
    connection,
    `select n.id, n.requestid from (
       select id, buildrequestid as requestid from builds where builderid = ? order by id desc limit ?) n
      order by n.id limit 1`,
    [builderid, count],
  );
  return rows[0];
}

/** The branches of buildsets, each as `codebase: branch`; a buildset without source stamps has none. */
export async function branchesOf(
  connection: Connection,
  buildsetids: readonly number[],
): Promise<Map<number, { codebase: string; branch: string | null }[]>> {
  const wanted = connection.dialect.isOneOf("u.buildsetid", buildsetids);
  const rows = await queryRows<{ buildsetid: number; codebase: string; branch: string | null }>(
    connection,
    `select u.buildsetid, t.codebase, t.branch from buildset_sourcestamps u join sourcestamps t on t.id = u.sourcestampid
      where ${wanted.sql} order by u.buildsetid, t.codebase, t.branch`,
    wanted.bindings,
  );
  const found = new Map<number, { codebase: string; branch: string | null }[]>();
  for (const { buildsetid, ...branch } of rows) found.set(buildsetid, [...(found.get(buildsetid) ?? []), branch]);
  return found;
}

/** The newest builds of a builder that succeeded, among so many, newest first. */
export function newestSuccesses(
  connection: Connection,
  builderid: number,
  among: number,
): Promise<{ id: number; buildsetid: number }[]> {
  return queryRows(
    connection,
    `select n.id, r.buildsetid from (
       select id, buildrequestid, results from builds where builderid = ? order by id desc limit ?) n
       join buildrequests r on r.id = n.buildrequestid where n.results = 0 order by n.id desc`,
    [builderid, among],
  );
}

/**
 * Locks builds against a mark and an end at the same moment, and returns those that nothing needs. A row that another
 * transaction has locked is left to a later run.
 */
export async function lockUnneededBuilds(
  tx: Connection,
  ids: readonly number[],
): Promise<{ id: number; requestid: number; buildsetid: number; builderid: number; number: number }[]> {
  const { updateLock, skipLocked, isOneOf } = tx.dialect;
  const wanted = isOneOf("id", ids);
  const lock = updateLock === "" ? "" : `${updateLock}${skipLocked}`;
  const locked = await queryRows<{ id: number }>(
    tx,
    `select id from builds where ${wanted.sql} order by id${lock}`,
    wanted.bindings,
  );
  // A statement of its own: it sees the marks that were committed while the locks were waited for.
  const mine = isOneOf(
    "b.id",
    locked.map(({ id }) => id),
  );
  return needless(
    await queryRows<Needed & { id: number; requestid: number; buildsetid: number; builderid: number; number: number }>(
      tx,
      `select b.id, r.id as requestid, s.id as buildsetid, b.builderid, b.number,
              case when ${isUnneeded} and ${isRequestUnneeded} then 1 else 0 end as unneeded
         from ${ofBuild} where ${mine.sql} order by b.id`,
      mine.bindings,
    ),
  );
}

interface Needed {
  unneeded: number;
}

/** Those that nothing needs. Asked in `where`, SQLite would begin with all complete buildsets, and take a hundred times longer. */
function needless<R extends Needed>(rows: readonly R[]): Omit<R, "unneeded">[] {
  return rows.filter(({ unneeded }) => unneeded === 1).map(({ unneeded: _, ...row }) => row);
}

/** Those of these requests that have ended, have no build and are not needed, with their buildsets. */
export async function unneededRequests(
  connection: Connection,
  ids: readonly number[],
): Promise<{ id: number; buildsetid: number }[]> {
  const wanted = connection.dialect.isOneOf("r.id", ids);
  return needless(
    await queryRows<Needed & { id: number; buildsetid: number }>(
      connection,
      `select r.id, s.id as buildsetid, case when ${isRequestUnneeded}
              and not exists (select 1 from builds b where b.buildrequestid = r.id) then 1 else 0 end as unneeded
         from buildrequests r join buildsets s on s.id = r.buildsetid where ${wanted.sql}`,
      wanted.bindings,
    ),
  );
}
