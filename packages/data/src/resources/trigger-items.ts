import { countTriggerItems, itemState } from "@multimaster/database";
import type { z } from "zod";
import { defineResource, type ReadContext } from "../model/define-resource.ts";
import { entity, identifier, integer, text } from "../model/field-kinds.ts";
import { loadItemBuilds, loadItemReasons } from "../waiting/explain-items.ts";
import { buildIds, buildPaths } from "./build-paths.ts";

/** With builds and reasons of so many, a list has half a megabyte. */
const mostItems = 500;

const build = entity("item_build", {
  buildid: integer,
  builderid: integer,
  builder: text,
  number: integer,
  results: integer.nullable(),
});

/** What comes first on a page: what failed, what goes on, what ended well, what was not built. */
const rank = `case when i.results in (2, 4) then 0 when i.results in (5, 6) then 1 when i.results = 1 then 3
  when i.results = 3 then 4 when i.results is not null then 5 else 2 end`;

/** An item that a step of a build builds: `trigger` with `items`. */
export const triggerItems = defineResource({
  name: "trigger_item",
  plural: "trigger_items",
  rights: { needs: ["steps", "buildrequests", "waiting"] },
  id: "itemid",
  from: "mm_trigger_items i join builds b on b.id = i.buildid left join steps st on st.id = i.stepid",
  fields: {
    itemid: { schema: integer, sql: "i.itemid" },
    buildid: { schema: integer, sql: "i.buildid" },
    stepid: { schema: integer, sql: "i.stepid" },
    /** Its place in the step's list, from 1. */
    number: { schema: integer, sql: "i.number" },
    name: { schema: text, sql: "i.name" },
    /** `waiting` for other items or its turn, `building` (or its request waits), `ended`; `abandoned`: its step ended before it. */
    state: { schema: identifier(16), sql: itemState },
    results: { schema: integer.nullable(), sql: "i.results" },
    /** What failed, with the last line of its output, or why it was not built. */
    note: { schema: text.nullable(), sql: "i.note" },
    /** Lists are in this order: 0 failed, 1 cancelled or to be retried, 2 not ended, 3 warnings, 4 not built, 5 succeeded. */
    rank: { schema: integer, sql: rank },
    /** Items that must succeed first, 20 at most. */
    waits_for: {
      schema: text.array(),
      sql: "i.waits_for",
      read: (value) => JSON.parse(String(value)) as string[],
    },
    /** Its builds, of those that were run again the last one. */
    builds: { schema: build.array(), sql: "i.itemid", load: loadItemBuilds, empty: [] },
    /** Why it has not ended; empty: it has. */
    reasons: { schema: text.array(), sql: "i.itemid", load: loadItemReasons, empty: [], mostInList: mostItems },
  },
  order: ["rank", "stepid", "number", "itemid"],
  paths: [
    { pattern: "trigger_items/n:itemid", kind: "single", where: "i.itemid = :itemid" },
    ...buildPaths.map(
      ({ prefix, build: which }) =>
        ({
          pattern: `${prefix}/trigger_items`,
          kind: "collection",
          where: `i.buildid = ${buildIds(which)}`,
        }) as const,
    ),
    { pattern: "steps/n:stepid/trigger_items", kind: "collection", where: "i.stepid = :stepid" },
  ],
});

/** How many items of a build are in which state, and ended how. */
export const triggerItemCounts = defineResource({
  name: "trigger_item_count",
  plural: "trigger_item_counts",
  rights: { needs: ["trigger_items"] },
  id: "stepid",
  fields: {
    stepid: { schema: integer },
    state: { schema: identifier(16) },
    results: { schema: integer.nullable() },
    count: { schema: integer },
  },
  paths: [
    {
      pattern: "builds/n:buildid/trigger_item_counts",
      kind: "collection",
      rows: readCounts,
    },
  ],
});

async function readCounts({ connection, params }: ReadContext) {
  const rows = await countTriggerItems(connection, Number(params["buildid"]));
  return rows.map(({ count, ...row }) => ({ ...row, count: Number(count) }));
}

export type TriggerItem = z.output<typeof triggerItems.schema>;
export type TriggerItemCount = z.output<typeof triggerItemCounts.schema>;
