import { queryRows } from "@multimaster/database";
import type { z } from "zod";
import { defineResource, type ReadContext } from "../model/define-resource.ts";
import { bool, datetime, entity, integer, text } from "../model/field-kinds.ts";

/** A master process; `active` while its lease is valid. */
export const masters = defineResource({
  name: "master",
  plural: "masters",
  rights: { isNamed: true, needs: [] },
  rootLink: true,
  id: "masterid",
  from: "masters m",
  fields: {
    masterid: { schema: integer, sql: "m.id" },
    name: { schema: text, sql: "m.name" },
    active: { schema: bool, sql: "m.active = 1", whenFalse: "m.active = 0" },
    last_active: { schema: datetime, sql: "m.last_active" },
  },
  order: ["masterid"],
  paths: [
    { pattern: "masters", kind: "collection" },
    { pattern: "masters/n:masterid", kind: "single", where: "m.id = :masterid" },
    { pattern: "masters/s:name", kind: "single", where: "m.name_hash = :sha1(name)" },
    {
      pattern: "builders/n:builderid/masters",
      kind: "collection",
      where: "m.id in (select masterid from builder_masters where builderid = :builderid)",
    },
    {
      pattern: "builders/n:builderid/masters/n:masterid",
      kind: "single",
      where: "m.id = :masterid and m.id in (select masterid from builder_masters where builderid = :builderid)",
    },
  ],
  events: {
    // Complete objects, though Buildbot leaves `last_active` out: its own frontend loses the field
    // (docs/spec/web-contract.md §11.3).
    names: {
      started: "Pages show it; without it, at their next read.",
      stopped: "Other masters claim the schedulers and change sources that it had; without it, when they next poll.",
    },
    topics: ["masters/:masterid"],
  },
});

export const master = entity("master", masters.schema.shape);
export type Master = z.output<typeof masters.schema>;

/** Masters by id, for the resources that nest one. */
export async function loadMasters(context: ReadContext, keys: readonly number[]): Promise<Map<number, Master>> {
  const wanted = context.connection.dialect.isOneOf("id", keys);
  const rows = await queryRows<{ id: number; name: string; active: number; last_active: number }>(
    context.connection,
    `select id, name, active, last_active from masters where ${wanted.sql}`,
    wanted.bindings,
  );
  return new Map(
    rows.map((row) => [
      row.id,
      { masterid: row.id, name: row.name, active: row.active === 1, last_active: row.last_active },
    ]),
  );
}
