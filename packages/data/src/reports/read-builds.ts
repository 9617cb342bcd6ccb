import type { Json, Result } from "@multimaster/core";
import { Results } from "@multimaster/core";
import { type Connection, queryRows } from "@multimaster/database";
import { groupValues } from "../read/group-values.ts";
import { parseBare, parsePair } from "../read/property-rows.ts";
import type { PreviousBuild, ReportedBuild, ReportedBuildset, ReportedSource, ReportedWorker } from "./reported.ts";

/** Builds before one among which its predecessor is searched. */
const lookBack = 50;
const passedOver = [Results.RETRY, Results.CANCELLED, Results.SKIPPED].join(", ");

interface BuildRow {
  id: number;
  number: number;
  builderid: number;
  builder: string;
  buildrequestid: number;
  buildsetid: number;
  reason: string;
  worker: string | null;
  results: Result | null;
  state: string;
  started: number;
  complete: number | null;
}

/** Reads builds in a fixed number of queries, however many they are; those that are no longer there are left out. */
export async function readReportedBuilds(
  connection: Connection,
  buildids: readonly number[],
): Promise<ReadonlyMap<number, ReportedBuild>> {
  if (buildids.length === 0) return new Map();
  const wanted = connection.dialect.isOneOf("b.id", buildids);
  const rows = await queryRows<BuildRow>(
    connection,
    `select b.id, b.number, b.builderid, bu.name as builder, b.buildrequestid, r.buildsetid, s.reason, w.name as worker,
       b.results, b.state_string as state, b.started_at as started, b.complete_at as complete
      from builds b join builders bu on bu.id = b.builderid join buildrequests r on r.id = b.buildrequestid
      join buildsets s on s.id = r.buildsetid left join workers w on w.id = b.workerid where ${wanted.sql}`,
    wanted.bindings,
  );
  const [properties, sources, tags, previous] = await Promise.all([
    readProperties(connection, buildids),
    readSources(connection, [...new Set(rows.map(({ buildsetid }) => buildsetid))]),
    readTags(connection, [...new Set(rows.map(({ builderid }) => builderid))]),
    readPrevious(connection, buildids),
  ]);
  return new Map(
    rows.map(({ id, started, complete, ...row }) => [
      id,
      {
        ...row,
        buildid: id,
        startedAt: started,
        completeAt: complete,
        tags: tags.get(row.builderid) ?? [],
        properties: properties.get(id) ?? {},
        sources: sources.get(row.buildsetid) ?? [],
        previous: previous.get(id) ?? null,
      },
    ]),
  );
}

async function readProperties(
  connection: Connection,
  buildids: readonly number[],
): Promise<Map<number, Record<string, Json>>> {
  const wanted = connection.dialect.isOneOf("buildid", buildids);
  const rows = await queryRows<{ buildid: number; name: string; value: string }>(
    connection,
    `select buildid, name, value from build_properties where ${wanted.sql}`,
    wanted.bindings,
  );
  return collectProperties(rows.map(({ buildid, name, value }) => [buildid, name, parseBare(value, "")?.[0]]));
}

function collectProperties(
  rows: readonly (readonly [owner: number, name: string, value: Json | undefined])[],
): Map<number, Record<string, Json>> {
  const all = new Map<number, Record<string, Json>>();
  for (const [owner, name, value] of rows) {
    if (value === undefined) continue;
    let one = all.get(owner);
    // Without a prototype: a property may be named __proto__.
    if (!one) all.set(owner, (one = Object.create(null) as Record<string, Json>));
    one[name] = value;
  }
  return all;
}

async function readSources(
  connection: Connection,
  buildsetids: readonly number[],
): Promise<Map<number, ReportedSource[]>> {
  if (buildsetids.length === 0) return new Map();
  const wanted = connection.dialect.isOneOf("l.buildsetid", buildsetids);
  const rows = await queryRows<ReportedSource & { buildsetid: number }>(
    connection,
    `select l.buildsetid, ss.codebase, ss.repository, ss.project, ss.branch, ss.revision
      from buildset_sourcestamps l join sourcestamps ss on ss.id = l.sourcestampid where ${wanted.sql} order by l.id`,
    wanted.bindings,
  );
  return groupValues(rows.map(({ buildsetid, ...source }) => [buildsetid, source] as const));
}

async function readTags(connection: Connection, builderids: readonly number[]): Promise<Map<number, string[]>> {
  const wanted = connection.dialect.isOneOf("bt.builderid", builderids);
  const rows = await queryRows<{ builderid: number; name: string }>(
    connection,
    `select bt.builderid, t.name from builders_tags bt join tags t on t.id = bt.tagid where ${wanted.sql} order by bt.id`,
    wanted.bindings,
  );
  return groupValues(rows.map(({ builderid, name }) => [builderid, name] as const));
}

async function readPrevious(
  connection: Connection,
  buildids: readonly number[],
): Promise<ReadonlyMap<number, PreviousBuild>> {
  const wanted = connection.dialect.isOneOf("b.id", buildids);
  const rows = await queryRows<PreviousBuild & { of: number }>(
    connection,
    `select b.id as "of", p.id as buildid, p.number, p.results from builds b join builds p on p.id = (
        select q.id from builds q where q.builderid = b.builderid and q.number < b.number and q.number >= b.number - ${lookBack}
          and q.complete_at is not null and q.results not in (${passedOver}) order by q.number desc limit 1)
      where ${wanted.sql}`,
    wanted.bindings,
  );
  return new Map(rows.map(({ of, ...build }) => [of, build]));
}

/** Most builds of one buildset that a report shows. */
const mostOfBuildset = 500;

/** Reads buildsets with the last build of each of their requests. */
export async function readReportedBuildsets(
  connection: Connection,
  ids: readonly number[],
): Promise<ReadonlyMap<number, ReportedBuildset>> {
  if (ids.length === 0) return new Map();
  const { dialect } = connection;
  const wanted = dialect.isOneOf("id", ids);
  const rows = await queryRows<{
    id: number;
    reason: string;
    results: Result | null;
    submitted: number;
    complete: number | null;
  }>(
    connection,
    `select id, reason, results, submitted_at as submitted, complete_at as complete from buildsets where ${wanted.sql}`,
    wanted.bindings,
  );
  const ofBuildset = dialect.isOneOf("buildsetid", ids);
  const [sources, properties, builds] = await Promise.all([
    readSources(connection, ids),
    queryRows<{ buildsetid: number; name: string; value: string }>(
      connection,
      `select buildsetid, property_name as name, property_value as value from buildset_properties where ${ofBuildset.sql}`,
      ofBuildset.bindings,
    ),
    queryRows<{ buildsetid: number; id: number | null }>(
      connection,
      `select r.buildsetid, (select max(b.id) from builds b where b.buildrequestid = r.id) as id
        from buildrequests r where ${ofBuildset.sql} order by r.id limit ${mostOfBuildset}`,
      ofBuildset.bindings,
    ),
  ]);
  const read = await readReportedBuilds(
    connection,
    builds.flatMap(({ id }) => id ?? []),
  );
  const values = collectProperties(properties.map((row) => [row.buildsetid, row.name, parsePair(row.value)?.[0]]));
  return new Map(
    rows.map(({ id, reason, results, submitted, complete }) => [
      id,
      {
        buildsetid: id,
        reason,
        results,
        submittedAt: submitted,
        completeAt: complete,
        sources: sources.get(id) ?? [],
        properties: values.get(id) ?? {},
        builds: builds.flatMap((build) =>
          build.buildsetid === id && build.id !== null ? (read.get(build.id) ?? []) : [],
        ),
      },
    ]),
  );
}

/** Reads workers, with what the row of the outbox says of each. */
export async function readReportedWorker(
  connection: Connection,
  workerid: number,
  facts: Readonly<Record<string, unknown>>,
): Promise<ReportedWorker | undefined> {
  const [row] = await queryRows<{ name: string }>(connection, "select name from workers where id = ?", [workerid]);
  if (!row) return undefined;
  const { notify, reason, last_connection: last } = facts;
  return {
    workerid,
    name: row.name,
    notify: Array.isArray(notify) ? notify.filter((one): one is string => typeof one === "string") : [],
    reason: typeof reason === "string" ? reason : null,
    lastConnection: typeof last === "string" ? last : null,
  };
}
