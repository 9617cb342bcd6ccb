import type { SourcedProperties } from "@multimaster/core";
import { queryRows } from "@multimaster/database";
import type { ReadContext } from "../model/define-resource.ts";
import { groupProperties, parseBare, selectNames } from "../read/property-rows.ts";

/** Properties of builds, when asked with `property=`. */
export async function loadBuildProperties(
  context: ReadContext,
  keys: readonly number[],
): Promise<Map<number, SourcedProperties>> {
  return context.properties === undefined ? new Map() : readBuildProperties(context, keys);
}

/** Properties of builds by build, only those with the names asked for. */
export async function readBuildProperties(
  context: Pick<ReadContext, "connection" | "properties">,
  keys: readonly number[],
): Promise<Map<number, SourcedProperties>> {
  const { dialect } = context.connection;
  const wanted = dialect.isOneOf("buildid", keys);
  const names = selectNames(dialect, "name", context.properties);
  const rows = await queryRows<{ buildid: number; name: string; value: string; source: string }>(
    context.connection,
    `select buildid, name, value, source from build_properties where ${wanted.sql} and ${names.sql}`,
    [...wanted.bindings, ...names.bindings],
  );
  return groupProperties(rows.map((row) => [row.buildid, row.name, parseBare(row.value, row.source)]));
}
