import type { Json } from "@multimaster/core";
import { type Connection, queryRows } from "@multimaster/database";
import { groupValues } from "../read/group-values.ts";
import { parsePair } from "../read/property-rows.ts";
import type { ReportedSource } from "./reported.ts";

/** Properties by name, of each owner. */
export function collectProperties(
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

export async function readSources(
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

export async function readTags(connection: Connection, builderids: readonly number[]): Promise<Map<number, string[]>> {
  const wanted = connection.dialect.isOneOf("bt.builderid", builderids);
  const rows = await queryRows<{ builderid: number; name: string }>(
    connection,
    `select bt.builderid, t.name from builders_tags bt join tags t on t.id = bt.tagid where ${wanted.sql} order by bt.id`,
    wanted.bindings,
  );
  return groupValues(rows.map(({ builderid, name }) => [builderid, name] as const));
}

/** Changes of a batch of buildsets whose authors are read. */
const mostChanges = 2000;

/** Who made the changes that the sources of buildsets are of. */
export async function readAuthors(
  connection: Connection,
  buildsetids: readonly number[],
): Promise<Map<number, string[]>> {
  if (buildsetids.length === 0) return new Map();
  const wanted = connection.dialect.isOneOf("l.buildsetid", buildsetids);
  const rows = await queryRows<{ buildsetid: number; author: string }>(
    connection,
    `select l.buildsetid, c.author from buildset_sourcestamps l join changes c on c.sourcestampid = l.sourcestampid
      where ${wanted.sql} limit ${mostChanges}`,
    wanted.bindings,
  );
  const all = groupValues(rows.map(({ buildsetid, author }) => [buildsetid, author] as const));
  return new Map([...all].map(([id, authors]) => [id, [...new Set(authors)]]));
}

/** Properties of changes of a batch of buildsets that are read. */
const mostChangeProperties = 20_000;

/** What buildsets ask with: the properties of the changes that their sources are of, and over them their own. */
export async function readRequestProperties(
  connection: Connection,
  buildsetids: readonly number[],
): Promise<Map<number, Record<string, Json>>> {
  if (buildsetids.length === 0) return new Map();
  const ofSources = connection.dialect.isOneOf("l.buildsetid", buildsetids);
  const ofBuildsets = connection.dialect.isOneOf("buildsetid", buildsetids);
  const [ofChanges, own] = await Promise.all([
    queryRows<PropertyRow & { changeid: number }>(
      connection,
      `select l.buildsetid, p.changeid, p.property_name as name, p.property_value as value
        from buildset_sourcestamps l join changes c on c.sourcestampid = l.sourcestampid
        join change_properties p on p.changeid = c.changeid where ${ofSources.sql} limit ${mostChangeProperties}`,
      ofSources.bindings,
    ),
    queryRows<PropertyRow>(connection, selectOwn(ofBuildsets.sql), ofBuildsets.bindings),
  ]);
  // The newest change wins.
  ofChanges.sort((a, b) => a.changeid - b.changeid);
  return collectProperties([...ofChanges, ...own].map((row) => [row.buildsetid, row.name, parsePair(row.value)?.[0]]));
}

interface PropertyRow {
  readonly buildsetid: number;
  readonly name: string;
  readonly value: string;
}

const selectOwn = (condition: string) =>
  `select buildsetid, property_name as name, property_value as value from buildset_properties where ${condition}`;

export async function readBuildsetProperties(
  connection: Connection,
  ids: readonly number[],
): Promise<Map<number, Record<string, Json>>> {
  const wanted = connection.dialect.isOneOf("buildsetid", ids);
  const rows = await queryRows<PropertyRow>(connection, selectOwn(wanted.sql), wanted.bindings);
  return collectProperties(rows.map((row) => [row.buildsetid, row.name, parsePair(row.value)?.[0]]));
}
