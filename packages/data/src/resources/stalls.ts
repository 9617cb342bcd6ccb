import type { Json } from "@multimaster/core";
import type { z } from "zod";
import { defineResource } from "../model/define-resource.ts";
import { datetime, entity, integer, text, wholeSeconds, wholeSecondsOrNull } from "../model/field-kinds.ts";

/** The code that ran, or had run last, when an event loop was blocked. */
const culprit = entity("culprit", { builder: text, step: text, buildid: integer });

/** Times when a master's event loop was blocked for more than a second, and the steps that blocked it. */
export const stalls = defineResource({
  name: "stall",
  plural: "stalls",
  rights: { needs: ["masters", "builders", "steps"] },
  id: "stallid",
  from: "mm_loop_stalls ls join masters m on m.id = ls.masterid",
  fields: {
    stallid: { schema: integer, sql: "ls.id" },
    masterid: { schema: integer, sql: "ls.masterid" },
    master: { schema: text, sql: "m.name" },
    began_at: { schema: datetime, sql: "ls.began_at", read: wholeSeconds },
    /** Null if it is still blocked, or if the master died of it. */
    ended_at: {
      schema: datetime.nullable(),
      sql: "ls.ended_at",
      read: wholeSecondsOrNull,
    },
    duration_ms: {
      schema: integer.nullable(),
      sql: "1000 * (ls.ended_at - ls.began_at)",
      read: (value) => (value === null ? null : Math.round(Number(value))),
    },
    steps: { schema: culprit.array(), sql: "ls.steps", read: readSteps },
  },
  order: ["stallid"],
  paths: [
    { pattern: "stalls", kind: "collection" },
    { pattern: "stalls/n:stallid", kind: "single", where: "ls.id = :stallid" },
    { pattern: "masters/n:masterid/stalls", kind: "collection", where: "ls.masterid = :masterid" },
  ],
});

export const stall = entity("stall", stalls.schema.shape);
export type Stall = z.output<typeof stalls.schema>;

function readSteps(value: unknown): z.output<typeof culprit>[] {
  const steps = JSON.parse(String(value)) as Json;
  return Array.isArray(steps) ? (steps as z.output<typeof culprit>[]) : [];
}
