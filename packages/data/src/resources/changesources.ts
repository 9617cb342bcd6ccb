import type { z } from "zod";
import { defineResource } from "../model/define-resource.ts";
import { integer, text } from "../model/field-kinds.ts";
import { loadMasters, master } from "./masters.ts";

/** A poller that adds changes; claimed by at most one master. No event is published when its claim changes. */
export const changesources = defineResource({
  name: "changesource",
  plural: "changesources",
  rights: { isNamed: true, needs: ["masters"] },
  rootLink: true,
  id: "changesourceid",
  from: "changesources cs left join changesource_masters cm on cm.changesourceid = cs.id",
  fields: {
    changesourceid: { schema: integer, sql: "cs.id" },
    name: { schema: text, sql: "cs.name" },
    master: { schema: master.nullable(), sql: "cm.masterid", load: loadMasters, empty: null },
  },
  order: ["changesourceid"],
  paths: [
    { pattern: "changesources", kind: "collection" },
    { pattern: "changesources/n:changesourceid", kind: "single", where: "cs.id = :changesourceid" },
    { pattern: "masters/n:masterid/changesources", kind: "collection", where: "cm.masterid = :masterid" },
    {
      pattern: "masters/n:masterid/changesources/n:changesourceid",
      kind: "single",
      where: "cs.id = :changesourceid and cm.masterid = :masterid",
    },
  ],
});

export type ChangeSource = z.output<typeof changesources.schema>;
