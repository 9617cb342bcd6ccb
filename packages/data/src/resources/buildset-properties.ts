import type { SourcedProperties } from "@multimaster/core";
import { queryRows } from "@multimaster/database";
import type { ReadContext } from "../model/define-resource.ts";
import { groupProperties, parsePair, selectNames } from "../read/property-rows.ts";

/** Properties of buildsets, as build requests show them when asked with `property=`. */
export async function loadBuildsetProperties(
  context: ReadContext,
  keys: readonly number[],
): Promise<Map<number, SourcedProperties>> {
  if (context.properties === undefined) return new Map();
  const found = await readBuildsetProperties(context, keys);
  return new Map(keys.map((key) => [key, found.get(key) ?? {}]));
}

/** Properties of buildsets by buildset, only those with the names asked for. */
export async function readBuildsetProperties(
  context: Pick<ReadContext, "connection" | "properties">,
  keys: readonly number[],
): Promise<Map<number, SourcedProperties>> {
  const { dialect } = context.connection;
  const wanted = dialect.isOneOf("buildsetid", keys);
  const names = selectNames(dialect, "property_name", context.properties);
  const rows = await queryRows<{ buildsetid: number; property_name: string; property_value: string }>(
    context.connection,
    `select buildsetid, property_name, property_value from buildset_properties where ${wanted.sql} and ${names.sql}`,
    [...wanted.bindings, ...names.bindings],
  );
  return groupProperties(rows.map((row) => [row.buildsetid, row.property_name, parsePair(row.property_value)]));
}
