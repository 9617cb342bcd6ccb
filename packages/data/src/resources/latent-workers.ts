import { buildersConfiguredFor, isRequestFree } from "@multimaster/database";
import type { z } from "zod";
import { defineResource } from "../model/define-resource.ts";
import { bool, datetime, identifier, integer, text, wholeSeconds, wholeSecondsOrNull } from "../model/field-kinds.ts";

const count = (state: string) =>
  `(select count(*) from mm_worker_instances i where i.latent = lw.name and i.state = '${state}')`;
/** Any of its slots: builders that name the latent worker have all of them. */
const slot = "(select min(s.workerid) from mm_latent_slots s where s.latent = lw.name)";

/** A worker that is made on demand: its limits, how many instances there are, and what waits. */
export const latentWorkers = defineResource({
  name: "latentworker",
  plural: "latentworkers",
  rights: { needs: ["workers"] },
  id: "name",
  from: "mm_latent_workers lw",
  fields: {
    name: { schema: identifier(50), sql: "lw.name" },
    kind: { schema: text, sql: "lw.kind" },
    min_instances: { schema: integer, sql: "lw.min_instances" },
    max_instances: { schema: integer, sql: "lw.max_instances" },
    starting: { schema: integer, sql: count("starting"), read: Number },
    running: { schema: integer, sql: count("running"), read: Number },
    stopping: { schema: integer, sql: count("stopping"), read: Number },
    /** Unclaimed requests of builders that may use it. */
    pending: {
      schema: integer,
      sql: `(select count(*) from buildrequests br where ${isRequestFree("br")} and br.builderid in ${buildersConfiguredFor(slot)})`,
      read: Number,
    },
    /** What the last start failed with; null: it worked. */
    failure: { schema: text.nullable(), sql: "lw.failure" },
    failures: { schema: integer, sql: "lw.failures" },
    next_start_at: { schema: datetime.nullable(), sql: "lw.retry_at", read: wholeSecondsOrNull },
  },
  order: ["name"],
  paths: [
    { pattern: "latentworkers", kind: "collection" },
    { pattern: "latentworkers/s:latent", kind: "single", where: "lw.name = :latent" },
  ],
});

/** What was made of a latent worker: it is attached, or is going to be, as the worker `workerid`. */
export const workerInstances = defineResource({
  name: "workerinstance",
  plural: "workerinstances",
  rights: { isNamed: true, needs: ["workers", "masters"] },
  id: "instanceid",
  from: "mm_worker_instances wi join workers w on w.id = wi.workerid left join mm_instance_claims c on c.instanceid = wi.instanceid",
  fields: {
    instanceid: { schema: integer, sql: "wi.instanceid" },
    workerid: { schema: integer, sql: "wi.workerid" },
    worker: { schema: text, sql: "w.name" },
    latent: { schema: text, sql: "wi.latent" },
    /** starting, running or stopping. */
    state: { schema: text, sql: "wi.state" },
    /** The container host, where there are several. */
    place: { schema: text.nullable(), sql: "wi.place" },
    /** The master that looks after it; null: none does at this moment. */
    masterid: { schema: integer.nullable(), sql: "c.masterid" },
    /** The only build request that it was made for; null: for any. */
    buildrequestid: { schema: integer.nullable(), sql: "wi.buildrequestid" },
    /** The build that it runs, the newest if there are several. */
    buildid: {
      schema: integer.nullable(),
      sql: `(select max(b.id) from builds b
               where b.workerid = wi.workerid and b.id > wi.after_buildid and b.complete_at is null)`,
    },
    /** A user has destroyed it; its engine is about to end it. */
    destroyed: {
      schema: bool,
      sql: "exists (select 1 from mm_instance_destroys d where d.instanceid = wi.instanceid)",
    },
    made_at: { schema: datetime, sql: "wi.made_at", read: wholeSeconds },
    attached_at: { schema: datetime.nullable(), sql: "wi.attached_at", read: wholeSecondsOrNull },
  },
  order: ["instanceid"],
  paths: [
    { pattern: "workerinstances", kind: "collection" },
    { pattern: "workerinstances/n:instanceid", kind: "single", where: "wi.instanceid = :instanceid" },
    { pattern: "latentworkers/s:latent/workerinstances", kind: "collection", where: "wi.latent = :latent" },
    { pattern: "workers/n:workerid/workerinstances", kind: "collection", where: "wi.workerid = :workerid" },
  ],
});

export type LatentWorker = z.output<typeof latentWorkers.schema>;
export type WorkerInstance = z.output<typeof workerInstances.schema>;
