import { type Connection, queryRows } from "@multimaster/database";
import { groupValues } from "../read/group-values.ts";
import { readBuildsetProperties, readSources, readTags } from "./read-sources.ts";
import type { ReportedBuilder, ReportedRequest } from "./reported.ts";

/** What the rows say of a request that waits. */
export type RequestBehind = Omit<ReportedRequest, "waited" | "after" | "requests" | "why">;

/** Reads build requests in a fixed number of queries, however many they are. */
export async function readRequestsBehind(
  connection: Connection,
  ids: readonly number[],
): Promise<ReadonlyMap<number, RequestBehind>> {
  if (ids.length === 0) return new Map();
  const wanted = connection.dialect.isOneOf("r.id", ids);
  const rows = await queryRows<{
    buildrequestid: number;
    buildsetid: number;
    builderid: number;
    builder: string;
    reason: string;
  }>(
    connection,
    `select r.id as buildrequestid, r.buildsetid, r.builderid, bu.name as builder, s.reason
      from buildrequests r join builders bu on bu.id = r.builderid join buildsets s on s.id = r.buildsetid where ${wanted.sql}`,
    wanted.bindings,
  );
  const buildsetids = [...new Set(rows.map(({ buildsetid }) => buildsetid))];
  const [sources, properties, tags] = await Promise.all([
    readSources(connection, buildsetids),
    readBuildsetProperties(connection, buildsetids),
    readTags(connection, [...new Set(rows.map(({ builderid }) => builderid))]),
  ]);
  return new Map(
    rows.map((row) => [
      row.buildrequestid,
      {
        ...row,
        tags: tags.get(row.builderid) ?? [],
        sources: sources.get(row.buildsetid) ?? [],
        properties: properties.get(row.buildsetid) ?? {},
      },
    ]),
  );
}

/** Builders of one batch of buildsets that are read. */
const mostBuilders = 20_000;

/** The builders that buildsets ask for, with a request of each. */
export async function readAskedBuilders(
  connection: Connection,
  buildsetids: readonly number[],
): Promise<ReadonlyMap<number, readonly ReportedBuilder[]>> {
  const wanted = connection.dialect.isOneOf("r.buildsetid", buildsetids);
  const rows = await queryRows<{ buildsetid: number; builderid: number; builder: string; buildrequestid: number }>(
    connection,
    `select r.buildsetid, r.builderid, bu.name as builder, min(r.id) as buildrequestid
      from buildrequests r join builders bu on bu.id = r.builderid where ${wanted.sql}
      group by r.buildsetid, r.builderid, bu.name order by min(r.id) limit ${mostBuilders}`,
    wanted.bindings,
  );
  const tags = await readTags(connection, [...new Set(rows.map(({ builderid }) => builderid))]);
  return groupValues(
    rows.map(({ buildsetid, ...row }) => [buildsetid, { ...row, tags: tags.get(row.builderid) ?? [] }] as const),
  );
}
