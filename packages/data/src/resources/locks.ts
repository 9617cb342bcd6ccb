import { buildOfHold, isAdoptable, isHoldCurrent, isHoldValid, isWaitValid, keptUntil } from "@multimaster/database";
import type { z } from "zod";
import { defineResource } from "../model/define-resource.ts";
import { bool, datetime, identifier, integer, text, wholeSeconds, wholeSecondsOrNull } from "../model/field-kinds.ts";

/** A lock that was ever asked for. */
export const locks = defineResource({
  name: "lock",
  plural: "locks",
  rights: { isNamed: true, needs: [] },
  id: "lockid",
  from: "mm_locks lk left join workers w on w.id = lk.workerid",
  fields: {
    lockid: { schema: integer, sql: "lk.lockid" },
    name: { schema: identifier(200), sql: "lk.name" },
    /** Of a lock of each worker, which; null: it is the cluster's. */
    worker: { schema: text.nullable(), sql: "w.name" },
    max: { schema: integer, sql: "lk.max" },
    /** How many have it, and how many wait for it: a request for which several engines ask counts once. */
    holds: {
      schema: integer,
      sql: `(select count(*) from mm_lock_holds h where h.lockid = lk.lockid and ${isHoldValid("h")})`,
      read: Number,
    },
    waits: {
      schema: integer,
      sql: `(select count(distinct case when q.stepid = 0 then -q.buildrequestid else q.stepid end) from mm_lock_waits q where q.lockid = lk.lockid and ${isWaitValid("q")})`,
      read: Number,
    },
  },
  order: ["name", "lockid"],
  paths: [
    { pattern: "locks", kind: "collection" },
    { pattern: "locks/n:lockid", kind: "single", where: "lk.lockid = :lockid" },
  ],
  events: {
    names: {
      released: "Engines with waiters for the lock try again; without it, when they next poll.",
      updated: "Pages show who has begun to wait for it, or which step has it; without it, at their next read.",
    },
    topics: ["locks/:lockid"],
  },
});

/** Who has a lock. */
export const lockHolds = defineResource({
  name: "lock_hold",
  plural: "lock_holds",
  rights: { isNamed: true, needs: ["locks", "builds"] },
  id: "holdid",
  from: `mm_lock_holds h join mm_locks lk on lk.lockid = h.lockid join masters m on m.id = h.masterid
    left join builds b on b.id = ${buildOfHold("h")} join buildrequests br on br.id = h.buildrequestid join builders bu on bu.id = br.builderid`,
  fields: {
    holdid: { schema: integer, sql: "h.holdid" },
    lockid: { schema: integer, sql: "h.lockid" },
    lock: { schema: text, sql: "lk.name" },
    masterid: { schema: integer, sql: "h.masterid" },
    master: { schema: text, sql: "m.name" },
    builderid: { schema: integer, sql: "br.builderid" },
    builder: { schema: text, sql: "bu.name" },
    buildrequestid: { schema: integer, sql: "h.buildrequestid" },
    buildid: { schema: integer.nullable(), sql: "b.id" },
    number: { schema: integer.nullable(), sql: "b.number" },
    /** Its engine or worker was lost, and its command may still run: the build goes on, or the lock is free, when the worker attaches again. */
    lost: { schema: bool, sql: `(not ${isHoldCurrent("h")} or ${isAdoptable("h")})` },
    /** Until when one that was lost is kept at most, if no engine hears of its worker. */
    kept_until: { schema: datetime.nullable(), sql: keptUntil("h", "b"), read: wholeSecondsOrNull },
    /** The step that has it; null: the build has it from its beginning to its end. */
    stepid: { schema: integer.nullable(), sql: "case when h.stepid > 0 then h.stepid end" },
    exclusive: { schema: bool, sql: "h.exclusive = 1" },
    count: { schema: integer, sql: "h.count" },
    /** Which of the lock's named resources. */
    resource: { schema: text.nullable(), sql: "h.resource" },
    taken_at: { schema: datetime, sql: "h.taken_at", read: wholeSeconds },
  },
  order: ["holdid"],
  paths: [
    { pattern: "lock_holds", kind: "collection", where: isHoldValid("h") },
    { pattern: "lock_holds/n:holdid", kind: "single", where: `h.holdid = :holdid and ${isHoldValid("h")}` },
    { pattern: "locks/n:lockid/holds", kind: "collection", where: `h.lockid = :lockid and ${isHoldValid("h")}` },
  ],
});

/** Who waits for a lock. */
export const lockWaits = defineResource({
  name: "lock_wait",
  plural: "lock_waits",
  rights: { needs: ["locks", "builds", "buildrequests"] },
  id: "waitid",
  from: `mm_lock_waits q join mm_locks lk on lk.lockid = q.lockid join masters m on m.id = q.masterid
    join buildrequests br on br.id = q.buildrequestid join builders bu on bu.id = br.builderid`,
  fields: {
    waitid: { schema: integer, sql: "q.waitid" },
    lockid: { schema: integer, sql: "q.lockid" },
    lock: { schema: text, sql: "lk.name" },
    masterid: { schema: integer, sql: "q.masterid" },
    master: { schema: text, sql: "m.name" },
    builderid: { schema: integer, sql: "br.builderid" },
    builder: { schema: text, sql: "bu.name" },
    buildrequestid: { schema: integer, sql: "q.buildrequestid" },
    /** The step that waits; null: the request, for its build to begin. */
    stepid: { schema: integer.nullable(), sql: "nullif(q.stepid, 0)" },
    exclusive: { schema: bool, sql: "q.exclusive = 1" },
    count: { schema: integer, sql: "q.count" },
    priority: { schema: integer, sql: "br.priority" },
    since: { schema: datetime, sql: "q.since", read: wholeSeconds },
  },
  order: ["-priority", "since", "waitid"],
  paths: [
    { pattern: "lock_waits", kind: "collection", where: isWaitValid("q") },
    { pattern: "locks/n:lockid/waits", kind: "collection", where: `q.lockid = :lockid and ${isWaitValid("q")}` },
  ],
});

export type Lock = z.output<typeof locks.schema>;
export type LockHold = z.output<typeof lockHolds.schema>;
export type LockWait = z.output<typeof lockWaits.schema>;
