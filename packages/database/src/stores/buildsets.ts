import { pythonJson, type SourcedProperties } from "@multimaster/core";
import type { Connection } from "../connection.ts";
import { type Fragment, insertRow, queryRows } from "../dialect.ts";
import { SqlExpression } from "../sql.ts";
import { fitInteger, fitNullable, longest, truncateText } from "./column-text.ts";
import { insertRows } from "./insert-rows.ts";

export interface BuildsetRow {
  externalId: string | null;
  reason: string;
  parentBuildid: number | null;
  parentRelationship: string | null;
  rebuiltBuildid: number | null;
  sourcestampids: readonly number[];
  builderids: readonly number[];
  properties: SourcedProperties;
  priority: number;
  waitedFor: boolean;
}

/** Stores a buildset with everything that belongs to it; the caller's transaction makes it all or nothing. */
export async function insertBuildset(
  tx: Connection,
  buildset: BuildsetRow,
): Promise<{ bsid: number; requests: Map<number, number> }> {
  const row = {
    external_idstring: fitNullable(buildset.externalId, 256),
    reason: truncateText(buildset.reason, 256),
    submitted_at: new SqlExpression(tx.dialect.nowSeconds),
    complete: 0,
    complete_at: null,
    results: -1,
    parent_buildid: buildset.parentBuildid,
    parent_relationship: fitNullable(buildset.parentRelationship, longest.name),
    rebuilt_buildid: buildset.rebuiltBuildid,
  };
  const returning = ["id", "submitted_at"];
  const inserted = await insertRow<{ id: number; submitted_at: number }>(tx, "buildsets", row, returning);
  const bsid = inserted.id;
  const properties = Object.entries(buildset.properties).map(([name, [value, source]]) => ({
    buildsetid: bsid,
    property_name: truncateText(name, 256),
    property_value: pythonJson([value, source]),
  }));
  const stamps = [...new Set(buildset.sourcestampids)].map((sourcestampid) => ({ buildsetid: bsid, sourcestampid }));
  const [requests] = await Promise.all([
    insertRequests(tx, buildset, bsid, inserted.submitted_at),
    insertRows(tx, "buildset_properties", properties),
    insertRows(tx, "buildset_sourcestamps", stamps),
  ]);
  return { bsid, requests };
}

/** One request for each builder; their ids are in the order of the builders. */
async function insertRequests(
  tx: Connection,
  { builderids, priority, waitedFor }: BuildsetRow,
  bsid: number,
  submittedAt: number,
): Promise<Map<number, number>> {
  const rows = [...new Set(builderids)].map((builderid) => [bsid, builderid, fitInteger(priority), submittedAt]);
  const given = tx.dialect.rowsOf(["integer", "integer", "integer", "integer"], rows);
  if (rows.length === 0) return new Map();
  const added = await queryRows<{ id: number; builderid: number }>(
    tx,
    `with v(buildsetid, builderid, priority, submitted_at) as (${given.sql})
     insert into buildrequests (buildsetid, builderid, priority, complete, results, submitted_at, complete_at, waited_for)
     select buildsetid, builderid, priority, 0, -1, submitted_at, null, ${Number(waitedFor)} from v
     returning id, builderid`,
    given.bindings,
  );
  return new Map(added.sort((a, b) => a.id - b.id).map(({ id, builderid }) => [builderid, id]));
}

/** Open buildsets none of whose requests is open. */
export async function openBuildsetsWithoutOpenRequests(connection: Connection): Promise<number[]> {
  const rows = await queryRows<{ id: number }>(
    connection,
    `select s.id from buildsets s where s.complete = 0
        and not exists (select 1 from buildrequests r where r.buildsetid = s.id and coalesce(r.complete, 0) <> 1)
      order by s.id limit 1000`,
  );
  return rows.map((row) => row.id);
}

/** What a rebuild copies from the buildset of a build. */
export interface RebuildSource {
  bsid: number;
  builderid: number;
  externalId: string | null;
  parentBuildid: number | null;
  parentRelationship: string | null;
  rebuiltBuildid: number | null;
  priority: number;
  sourcestampids: number[];
  properties: SourcedProperties;
}

export async function getRebuildSource(connection: Connection, buildid: number): Promise<RebuildSource | undefined> {
  const [row] = await queryRows<Omit<RebuildSource, "sourcestampids" | "properties">>(
    connection,
    `select s.id as bsid, r.builderid, r.priority, s.external_idstring as "externalId", s.parent_buildid as "parentBuildid",
            s.parent_relationship as "parentRelationship", s.rebuilt_buildid as "rebuiltBuildid"
       from builds b join buildrequests r on r.id = b.buildrequestid join buildsets s on s.id = r.buildsetid
      where b.id = ?`,
    [buildid],
  );
  if (!row) return undefined;
  return {
    ...row,
    sourcestampids: await sourceStampIdsOf(connection, row.bsid),
    properties: await buildsetProperties(connection, row.bsid),
  };
}

export async function sourceStampIdsOf(connection: Connection, bsid: number): Promise<number[]> {
  return (await sourceStampsOfBuildsets(connection, [bsid])).map(({ sourcestampid }) => sourcestampid);
}

function sourceStampsOfBuildsets(
  connection: Connection,
  bsids: readonly number[],
): Promise<{ buildsetid: number; sourcestampid: number }[]> {
  const wanted = connection.dialect.isOneOf("buildsetid", bsids);
  return queryRows(
    connection,
    `select buildsetid, sourcestampid from buildset_sourcestamps where ${wanted.sql} order by id`,
    wanted.bindings,
  );
}

async function buildsetProperties(connection: Connection, bsid: number): Promise<SourcedProperties> {
  const properties = await readProperties(connection, { sql: "buildsetid = ?", bindings: [bsid] });
  return properties.get(bsid) ?? {};
}

/** The properties of the buildsets of these requests, by buildset. */
export function propertiesOfRequests(connection: Connection, brids: readonly number[]) {
  const wanted = connection.dialect.isOneOf("id", brids);
  const sql = `buildsetid in (select buildsetid from buildrequests where ${wanted.sql})`;
  return readProperties(connection, { sql, bindings: wanted.bindings });
}

async function readProperties(connection: Connection, which: Fragment): Promise<Map<number, SourcedProperties>> {
  const rows = await queryRows<{ buildsetid: number; property_name: string; property_value: string }>(
    connection,
    `select buildsetid, property_name, property_value from buildset_properties where ${which.sql}`,
    which.bindings,
  );
  const properties = new Map<number, SourcedProperties>();
  for (const row of rows) {
    const known = properties.get(row.buildsetid) ?? {};
    const parsed = Object.fromEntries(parseProperty(row.property_name, row.property_value));
    properties.set(row.buildsetid, { ...known, ...parsed });
  }
  return properties;
}

/** Readers ignore rows whose JSON is broken (docs/spec/database.md §1). */
export function parseProperty(name: string, json: string): [string, SourcedProperties[string]][] {
  try {
    const pair: unknown = JSON.parse(json);
    return Array.isArray(pair) && pair.length === 2 ? [[name, [pair[0], String(pair[1])]]] : [];
  } catch {
    return [];
  }
}
