import type { z } from "zod";
import { defineResource } from "../model/define-resource.ts";
import { datetime, identifier, integer, text, wholeSeconds, wholeSecondsOrNull } from "../model/field-kinds.ts";

/** When and why workers took no builds: the last thousand times of each. */
export const workerAbsences = defineResource({
  name: "worker_absence",
  plural: "worker_absences",
  rights: { needs: ["workers", "masters"] },
  id: "absenceid",
  from: "mm_worker_absences a join workers w on w.id = a.workerid left join masters m on m.id = a.masterid",
  fields: {
    absenceid: { schema: integer, sql: "a.id" },
    workerid: { schema: integer, sql: "a.workerid" },
    worker: { schema: text, sql: "w.name" },
    /** `away`: attached to no master; `paused` by a user; `quarantined`. */
    kind: { schema: identifier(16), sql: "a.kind" },
    /** For programs: `connection_lost`, `master_drained`, … */
    reason: { schema: identifier(32), sql: "a.reason" },
    detail: { schema: text.nullable(), sql: "a.detail" },
    /** The master that had the worker. */
    masterid: { schema: integer.nullable(), sql: "a.masterid" },
    master: { schema: text.nullable(), sql: "m.name" },
    began_at: { schema: datetime, sql: "a.began_at", read: wholeSeconds },
    /** Null: it lasts. */
    ended_at: { schema: datetime.nullable(), sql: "a.ended_at", read: wholeSecondsOrNull },
    /** When it was reported because it lasted longer than the worker's `missingTimeout`. */
    missing_at: { schema: datetime.nullable(), sql: "a.missing_at", read: wholeSecondsOrNull },
  },
  order: ["absenceid"],
  paths: [
    { pattern: "worker_absences", kind: "collection" },
    { pattern: "worker_absences/n:absenceid", kind: "single", where: "a.id = :absenceid" },
    { pattern: "workers/n:workerid/absences", kind: "collection", where: "a.workerid = :workerid" },
  ],
});

export type WorkerAbsence = z.output<typeof workerAbsences.schema>;
