import { buildersConfiguredFor, type Fragment, queryRows } from "@multimaster/database";
import type { z } from "zod";
import { defineResource, type ReadContext } from "../model/define-resource.ts";
import { integer, text } from "../model/field-kinds.ts";
import { groupValues } from "../read/group-values.ts";

const onMaster = "b.id in (select builderid from builder_masters where masterid = :masterid)";

/** A named way to build; active on the masters in `masterids`. */
export const builders = defineResource({
  name: "builder",
  plural: "builders",
  rights: { isNamed: true, needs: [] },
  rootLink: true,
  id: "builderid",
  from: "builders b",
  fields: {
    builderid: { schema: integer, sql: "b.id" },
    name: { schema: text, sql: "b.name" },
    masterids: {
      schema: integer.array(),
      sql: "b.id",
      contains: "b.id in (select builderid from builder_masters where masterid = ?)",
      load: loadMasterids,
      json: (_context, key) =>
        jsonList(
          `select string_agg(cast(masterid as text), ',' order by masterid) from builder_masters where builderid = ${key}`,
        ),
      empty: [],
    },
    description: { schema: text.nullable(), sql: "b.description" },
    description_format: { schema: text.nullable(), sql: "b.description_format" },
    description_html: { schema: text.nullable(), sql: "b.description_html" },
    projectid: { schema: integer.nullable(), sql: "b.projectid" },
    tags: {
      schema: text.array(),
      sql: "b.id",
      contains: "b.id in (select bt.builderid from builders_tags bt join tags t on t.id = bt.tagid where t.name = ?)",
      load: loadTags,
      json: ({ connection: { dialect } }, key) =>
        dialect.jsonOf &&
        jsonList(`select string_agg(${dialect.jsonOf("tg.name")}, ',' order by bt.id) from builders_tags bt
          join tags tg on tg.id = bt.tagid where bt.builderid = ${key}`),
      empty: [],
    },
  },
  order: ["builderid"],
  paths: [
    { pattern: "builders", kind: "collection" },
    { pattern: "builders/n:builderid", kind: "single", where: "b.id = :builderid" },
    { pattern: "builders/s:buildername", kind: "single", where: "b.name_hash = :sha1(buildername)" },
    { pattern: "masters/n:masterid/builders", kind: "collection", where: onMaster },
    { pattern: "masters/n:masterid/builders/n:builderid", kind: "single", where: `b.id = :builderid and ${onMaster}` },
    { pattern: "projects/n:projectid/builders", kind: "collection", where: "b.projectid = :projectid" },
    {
      pattern: "workers/n:workerid/builders",
      kind: "collection",
      where: `b.id in ${buildersConfiguredFor(":workerid")}`,
    },
  ],
  events: {
    // Complete objects and not only ids: Buildbot's own frontend forgets the fields that are left out
    // (docs/spec/web-contract.md §11.3).
    names: {
      started: "Pages show that a master can build it; without it, at their next read.",
      stopped: "Pages show that one master less can build it; without it, at their next read.",
      update: "Pages show its description, tags and project; without it, at their next read.",
    },
    facts: { started: { masterid: integer }, stopped: { masterid: integer } },
    topics: ["builders/:builderid"],
    ids: ["masterid"],
    payload: (_event, item, facts) => ({ ...item, ...facts }),
  },
});

/** SQL of a JSON list of these elements. */
function jsonList(elements: string): Fragment {
  return { sql: `'[' || coalesce((${elements}), '') || ']'`, bindings: [] };
}

export type Builder = z.output<typeof builders.schema>;

async function loadMasterids(context: ReadContext, keys: readonly number[]): Promise<Map<number, number[]>> {
  const wanted = context.connection.dialect.isOneOf("builderid", keys);
  const rows = await queryRows<{ builderid: number; masterid: number }>(
    context.connection,
    `select builderid, masterid from builder_masters where ${wanted.sql} order by builderid, masterid`,
    wanted.bindings,
  );
  return groupValues(rows.map((row) => [row.builderid, row.masterid]));
}

async function loadTags(context: ReadContext, keys: readonly number[]): Promise<Map<number, string[]>> {
  const wanted = context.connection.dialect.isOneOf("bt.builderid", keys);
  const rows = await queryRows<{ builderid: number; name: string }>(
    context.connection,
    `select bt.builderid, t.name from builders_tags bt join tags t on t.id = bt.tagid where ${wanted.sql} order by bt.id`,
    wanted.bindings,
  );
  return groupValues(rows.map((row) => [row.builderid, row.name]));
}
