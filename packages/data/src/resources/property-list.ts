import type { Json } from "@multimaster/core";
import { queryRows } from "@multimaster/database";
import type { z } from "zod";
import { defineResource, type ReadContext } from "../model/define-resource.ts";
import { jsonObject, text } from "../model/field-kinds.ts";
import { parsePair } from "../read/property-rows.ts";

interface Listed {
  readonly name: string;
  readonly source: string;
  /** JSON text of the value. */
  readonly value: Json;
}

/** Properties as a list, which can be filtered and cut. */
export const propertyList = defineResource({
  name: "_property",
  plural: "_properties",
  rights: { needs: [] },
  id: "name",
  fields: { name: { schema: text }, source: { schema: text }, value: { schema: jsonObject } },
  paths: [
    {
      pattern: "buildsets/n:bsid/properties_list",
      kind: "collection",
      rows: (context) => readPairs(context, "buildset_properties", "buildsetid", "bsid"),
    },
    { pattern: "builds/n:buildid/property_list", kind: "collection", rows: readOfBuild },
    {
      pattern: "changes/n:changeid/properties_list",
      kind: "collection",
      rows: (context) => readPairs(context, "change_properties", "changeid", "changeid"),
    },
  ],
});

export type Property = z.output<typeof propertyList.schema>;

async function readPairs(
  { connection, params }: ReadContext,
  table: string,
  key: string,
  param: string,
): Promise<Listed[]> {
  const rows = await queryRows<{ property_name: string; property_value: string }>(
    connection,
    `select property_name, property_value from ${table} where ${key} = cast(? as bigint) order by property_name`,
    [params[param]],
  );
  return rows.flatMap((row) => {
    const pair = parsePair(row.property_value);
    return pair ? [{ name: row.property_name, source: pair[1], value: JSON.stringify(pair[0]) }] : [];
  });
}

async function readOfBuild({ connection, params }: ReadContext): Promise<Listed[]> {
  return queryRows<Record<string, never> & { name: string; source: string; value: string }>(
    connection,
    "select name, source, value from build_properties where buildid = cast(? as bigint) order by name",
    [params["buildid"]],
  );
}
