import { pythonJson, type SourcedProperties } from "@multimaster/core";
import type { Connection } from "../connection.ts";
import { queryRows } from "../dialect.ts";
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
    submitted_at: tx.sql.raw(tx.dialect.nowSeconds),
    complete: 0,
    complete_at: null,
    results: -1,
    parent_buildid: buildset.parentBuildid,
    parent_relationship: fitNullable(buildset.parentRelationship, longest.name),
    rebuilt_buildid: buildset.rebuiltBuildid,
  };
  const [inserted] = (await tx.sql("buildsets").insert(row).returning(["id", "submitted_at"])) as [
    { id: number; submitted_at: number },
  ];
  const bsid = inserted.id;
  await insertRows(
    tx,
    "buildset_properties",
    Object.entries(buildset.properties).map(([name, [value, source]]) => ({
      buildsetid: bsid,
      property_name: truncateText(name, 256),
      property_value: pythonJson([value, source]),
    })),
  );
  await insertRows(
    tx,
    "buildset_sourcestamps",
    [...new Set(buildset.sourcestampids)].map((sourcestampid) => ({ buildsetid: bsid, sourcestampid })),
  );
  const requests = new Map<number, number>();
  for (const builderid of new Set(buildset.builderids)) {
    const request = {
      buildsetid: bsid,
      builderid,
      priority: fitInteger(buildset.priority),
      complete: 0,
      results: -1,
      submitted_at: inserted.submitted_at,
      complete_at: null,
      waited_for: Number(buildset.waitedFor),
    };
    const [{ id }] = (await tx.sql("buildrequests").insert(request).returning("id")) as [{ id: number }];
    requests.set(builderid, id);
  }
  return { bsid, requests };
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

export function sourceStampsOfBuildsets(
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

export async function buildsetProperties(connection: Connection, bsid: number): Promise<SourcedProperties> {
  return (await propertiesOfBuildsets(connection, [bsid])).get(bsid) ?? {};
}

/** The properties of buildsets that have any. */
export async function propertiesOfBuildsets(
  connection: Connection,
  bsids: readonly number[],
): Promise<Map<number, SourcedProperties>> {
  const wanted = connection.dialect.isOneOf("buildsetid", bsids);
  const rows = await queryRows<{ buildsetid: number; property_name: string; property_value: string }>(
    connection,
    `select buildsetid, property_name, property_value from buildset_properties where ${wanted.sql}`,
    wanted.bindings,
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
function parseProperty(name: string, json: string): [string, SourcedProperties[string]][] {
  try {
    const pair: unknown = JSON.parse(json);
    return Array.isArray(pair) && pair.length === 2 ? [[name, [pair[0], String(pair[1])]]] : [];
  } catch {
    return [];
  }
}
