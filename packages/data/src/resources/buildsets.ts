import { queryRows } from "@multimaster/database";
import type { z } from "zod";
import { defineResource, type ReadContext } from "../model/define-resource.ts";
import { bool, integer, text } from "../model/field-kinds.ts";
import { groupValues } from "../read/group-values.ts";
import { loadSourceStamps, type SourceStamp, sourcestamp } from "./sourcestamps.ts";

/** A set of build requests for the same source stamps, asked for together and complete together. */
export const buildsets = defineResource({
  name: "buildset",
  plural: "buildsets",
  rights: { isNamed: true, needs: ["sourcestamps"] },
  rootLink: true,
  id: "bsid",
  from: "buildsets bs",
  fields: {
    bsid: { schema: integer, sql: "bs.id" },
    external_idstring: { schema: text.nullable(), sql: "bs.external_idstring" },
    reason: { schema: text, sql: "bs.reason" },
    rebuilt_buildid: { schema: integer.nullable(), sql: "bs.rebuilt_buildid" },
    submitted_at: { schema: integer, sql: "bs.submitted_at" },
    complete: { schema: bool, sql: "bs.complete <> 0", whenFalse: "bs.complete = 0" },
    complete_at: { schema: integer.nullable(), sql: "bs.complete_at" },
    results: { schema: integer.nullable(), sql: "bs.results" },
    sourcestamps: { schema: sourcestamp.array(), sql: "bs.id", load: loadBuildsetSourceStamps, empty: [] },
    parent_buildid: { schema: integer.nullable(), sql: "bs.parent_buildid" },
    parent_relationship: { schema: text.nullable(), sql: "bs.parent_relationship" },
  },
  order: ["bsid"],
  paths: [
    { pattern: "buildsets", kind: "collection" },
    { pattern: "buildsets/n:bsid", kind: "single", where: "bs.id = :bsid" },
  ],
  events: {
    names: {
      new: "Pages show it. Buildbot's dependent schedulers follow it by its `scheduler`.",
      complete:
        "The build that triggered it continues; without it, when its engine next polls. Buildbot's dependent schedulers go on.",
    },
    facts: { new: { scheduler: text.nullable() } },
    topics: ["buildsets/:bsid"],
    payload(event, item, facts) {
      if (event !== "new") return item;
      // Dependent schedulers of Buildbot's masters need `scheduler`, which the object lacks; -1 is published as null.
      const { parent_relationship: _, ...rest } = item;
      return { ...rest, results: null, scheduler: null, ...facts };
    },
  },
});

export type Buildset = z.output<typeof buildsets.schema>;

async function loadBuildsetSourceStamps(
  context: ReadContext,
  keys: readonly number[],
): Promise<Map<number, SourceStamp[]>> {
  const wanted = context.connection.dialect.isOneOf("buildsetid", keys);
  const links = await queryRows<{ buildsetid: number; sourcestampid: number }>(
    context.connection,
    `select buildsetid, sourcestampid from buildset_sourcestamps where ${wanted.sql} order by id`,
    wanted.bindings,
  );
  const stamps = await loadSourceStamps(context, [...new Set(links.map((link) => link.sourcestampid))]);
  return groupValues(
    links.flatMap(({ buildsetid, sourcestampid }) => {
      const stamp = stamps.get(sourcestampid);
      return stamp ? [[buildsetid, stamp] as const] : [];
    }),
  );
}
