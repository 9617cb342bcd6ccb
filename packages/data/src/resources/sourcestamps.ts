import type { z } from "zod";
import { defineResource, type ReadContext } from "../model/define-resource.ts";
import { datetime, entity, integer, text } from "../model/field-kinds.ts";
import { loadItems } from "../read/read-items.ts";
import { loadPatches, patch } from "./patches.ts";

/** What was, or is to be, checked out. */
export const sourcestamps = defineResource({
  name: "sourcestamp",
  plural: "sourcestamps",
  rights: { isNamed: true, needs: [] },
  rootLink: true,
  id: "ssid",
  from: "sourcestamps ss",
  fields: {
    ssid: { schema: integer, sql: "ss.id" },
    revision: { schema: text.nullable(), sql: "ss.revision" },
    branch: { schema: text.nullable(), sql: "ss.branch" },
    repository: { schema: text, sql: "ss.repository" },
    project: { schema: text, sql: "ss.project" },
    codebase: { schema: text, sql: "ss.codebase" },
    patch: { schema: patch.nullable(), sql: "ss.patchid", load: loadPatches, empty: null },
    created_at: { schema: datetime, sql: "ss.created_at" },
  },
  order: ["ssid"],
  paths: [
    { pattern: "sourcestamps", kind: "collection" },
    { pattern: "sourcestamps/n:ssid", kind: "single", where: "ss.id = :ssid" },
    {
      pattern: "buildsets/:buildsetid/sourcestamps",
      kind: "collection",
      where: "ss.id in (select sourcestampid from buildset_sourcestamps where buildsetid = :int(buildsetid))",
    },
  ],
});

export const sourcestamp = entity("sourcestamp", sourcestamps.schema.shape);
export type SourceStamp = z.output<typeof sourcestamps.schema>;

/** Source stamps by id, for the resources that nest them. */
export function loadSourceStamps(context: ReadContext, keys: readonly number[]): Promise<Map<number, SourceStamp>> {
  return loadItems(sourcestamps, context, keys);
}
