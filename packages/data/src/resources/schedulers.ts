import type { z } from "zod";
import { defineResource } from "../model/define-resource.ts";
import { bool, integer, text } from "../model/field-kinds.ts";
import { loadMasters, master } from "./masters.ts";

/** Turns changes, times and forms into buildsets; claimed by at most one master. */
export const schedulers = defineResource({
  name: "scheduler",
  plural: "schedulers",
  rights: { isNamed: true, needs: ["masters"] },
  rootLink: true,
  id: "schedulerid",
  from: "schedulers s left join scheduler_masters sm on sm.schedulerid = s.id",
  fields: {
    schedulerid: { schema: integer, sql: "s.id" },
    name: { schema: text, sql: "s.name" },
    enabled: { schema: bool, sql: "coalesce(s.enabled, 1) <> 0" },
    master: { schema: master.nullable(), sql: "sm.masterid", load: loadMasters, empty: null },
  },
  order: ["schedulerid"],
  paths: [
    { pattern: "schedulers", kind: "collection" },
    { pattern: "schedulers/n:schedulerid", kind: "single", where: "s.id = :schedulerid" },
    { pattern: "schedulers/s:name", kind: "single", where: "s.name_hash = :sha1(name)" },
    { pattern: "masters/n:masterid/schedulers", kind: "collection", where: "sm.masterid = :masterid" },
    {
      pattern: "masters/n:masterid/schedulers/n:schedulerid",
      kind: "single",
      where: "s.id = :schedulerid and sm.masterid = :masterid",
    },
  ],
  events: {
    names: {
      updated:
        "Masters that can run the scheduler claim it if it is free; without it, when they next poll. Pages show it.",
      asked: "The master that runs the scheduler decides what a trigger builds; without it, when it next polls.",
    },
    topics: ["schedulers/:schedulerid"],
  },
});

export type Scheduler = z.output<typeof schedulers.schema>;
