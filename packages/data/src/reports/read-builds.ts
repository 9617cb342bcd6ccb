import type { Json, Result } from "@multimaster/core";
import { type Connection, type OpenMute, queryRows, readMutesOfBuilds } from "@multimaster/database";
import { parseBare } from "../read/property-rows.ts";
import { isNewFailure, readEarlierFailures, readStandings } from "./read-previous.ts";
import { readAskedBuilders } from "./read-requests.ts";
import {
  collectProperties,
  readAuthors,
  readBuildsetProperties,
  readRequestProperties,
  readSources,
  readTags,
} from "./read-sources.ts";
import type { ReportedBuild, ReportedBuildset, ReportedWorker } from "./reported.ts";

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
  requested: number;
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
       b.results, b.state_string as state, r.submitted_at as requested,
       b.started_at as started, b.complete_at as complete
      from builds b join builders bu on bu.id = b.builderid join buildrequests r on r.id = b.buildrequestid
      join buildsets s on s.id = r.buildsetid left join workers w on w.id = b.workerid where ${wanted.sql}`,
    wanted.bindings,
  );
  const buildsetids = [...new Set(rows.map(({ buildsetid }) => buildsetid))];
  const [properties, requestProperties, sources, authors, tags, standings, mutes] = await Promise.all([
    readProperties(connection, buildids),
    readRequestProperties(connection, buildsetids),
    readSources(connection, buildsetids),
    readAuthors(connection, buildsetids),
    readTags(connection, [...new Set(rows.map(({ builderid }) => builderid))]),
    readStandings(connection, buildids),
    readMutesOfBuilds(connection, buildids),
  ]);
  const standingOf = (id: number) => standings.get(id) ?? { previous: null, isOvertaken: false };
  const fresh = rows.filter(({ id, results }) => isNewFailure(results, standingOf(id)));
  const failures = await readEarlierFailures(
    connection,
    fresh.map(({ id }) => id),
  );
  return new Map(
    rows.map(({ id, requested, started, complete, ...row }) => [
      id,
      {
        ...row,
        buildid: id,
        requestedAt: requested,
        startedAt: started,
        completeAt: complete,
        tags: tags.get(row.builderid) ?? [],
        properties: properties.get(id) ?? {},
        requestProperties: requestProperties.get(row.buildsetid) ?? {},
        sources: sources.get(row.buildsetid) ?? [],
        authors: authors.get(row.buildsetid) ?? [],
        ...standingOf(id),
        mute: describeMute(mutes.get(id)),
        earlierFailures: failures.get(id) ?? [],
      },
    ]),
  );
}

const describeMute = (mute: OpenMute | undefined) =>
  mute === undefined ? null : { by: mute.name, reason: mute.words, until: mute.until };

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

/** Most builds that are read of one buildset, and of a batch of them. */
const most = { ofBuildset: 500, ofBatch: 5000 };

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
  const [sources, properties, authors, builders, builds] = await Promise.all([
    readSources(connection, ids),
    readBuildsetProperties(connection, ids),
    readAuthors(connection, ids),
    readAskedBuilders(connection, ids),
    queryRows<{ buildsetid: number; id: number | null }>(
      connection,
      `select r.buildsetid, (select max(b.id) from builds b where b.buildrequestid = r.id) as id
        from (select id, buildsetid, row_number() over (partition by buildsetid order by id) as place
                from buildrequests where ${ofBuildset.sql}) r
       where r.place <= ${most.ofBuildset} order by r.id limit ${most.ofBatch}`,
      ofBuildset.bindings,
    ),
  ]);
  const read = await readReportedBuilds(
    connection,
    builds.flatMap(({ id }) => id ?? []),
  );
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
        properties: properties.get(id) ?? {},
        authors: authors.get(id) ?? [],
        builders: builders.get(id) ?? [],
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
