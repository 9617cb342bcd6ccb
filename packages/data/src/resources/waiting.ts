import { isRequestFree, isWaitValid } from "@multimaster/database";
import type { z } from "zod";
import { defineResource } from "../model/define-resource.ts";
import { bool, datetime, integer, text } from "../model/field-kinds.ts";
import { explainBuilders, explainRequests } from "../waiting/explain-waiting.ts";
import { reason } from "../waiting/reasons.ts";

/** No build of it runs, or that waits: its step for a lock, or it was left by its master. Few do: both lists are read once. */
const isHeldUp = `br.complete = 0
  and (not exists (select 1 from builds b where b.buildrequestid = br.id and b.complete_at is null)
    or br.id in (select q.buildrequestid from mm_lock_waits q where q.stepid > 0 and ${isWaitValid("q")})
    or br.id in (select ab.buildrequestid from mm_adoptable_builds ab))`;

/** With the reasons of so many, a list has a megabyte. */
const mostExplained = 500;

/** Build requests that are not being built, or whose build waits for a lock or a master, each with the reasons; of one request also when it is. */
export const waiting = defineResource({
  name: "waiting",
  plural: "waiting",
  rights: { needs: ["buildrequests", "builders", "workers", "masters", "builds"] },
  id: "buildrequestid",
  from: "buildrequests br join builders bu on bu.id = br.builderid",
  fields: {
    buildrequestid: { schema: integer, sql: "br.id" },
    buildsetid: { schema: integer, sql: "br.buildsetid" },
    builderid: { schema: integer, sql: "br.builderid" },
    builder: { schema: text, sql: "bu.name" },
    priority: { schema: integer, sql: "br.priority" },
    since: { schema: datetime, sql: "br.submitted_at" },
    waited_for: { schema: bool, sql: "coalesce(br.waited_for, 0) <> 0" },
    reasons: {
      schema: reason.array(),
      sql: "br.id",
      load: ({ connection }, keys) => explainRequests(connection, keys),
      empty: [],
      mostInList: mostExplained,
    },
  },
  order: ["buildrequestid"],
  paths: [
    { pattern: "waiting", kind: "collection", where: isHeldUp },
    {
      pattern: "builders/n:builderid/waiting",
      kind: "collection",
      where: `br.builderid = :builderid and ${isHeldUp}`,
    },
    {
      pattern: "builders/s:buildername/waiting",
      kind: "collection",
      where: `br.builderid in (select id from builders where name_hash = :sha1(buildername)) and ${isHeldUp}`,
    },
    { pattern: "buildrequests/n:buildrequestid/why", kind: "single", where: "br.id = :buildrequestid" },
  ],
});

/** The same by builder: how many requests wait, since when, and why. */
export const waitingBuilders = defineResource({
  name: "waiting_builder",
  plural: "waiting_builders",
  rights: { needs: ["waiting"] },
  id: "builderid",
  from: `(select br.builderid, count(*) as requests, min(br.submitted_at) as since, max(br.priority) as priority
            from buildrequests br
           where ${isRequestFree("br")}
           group by br.builderid) wb`,
  fields: {
    builderid: { schema: integer, sql: "wb.builderid" },
    // Not joined: PostgreSQL takes the builders for one or two here, and would look through all of them for each.
    builder: { schema: text, sql: "(select bu.name from builders bu where bu.id = wb.builderid)" },
    requests: { schema: integer, sql: "wb.requests" },
    /** Of the oldest one. */
    since: { schema: datetime, sql: "wb.since" },
    /** Of the most urgent one. */
    priority: { schema: integer, sql: "wb.priority" },
    reasons: {
      schema: reason.array(),
      sql: "wb.builderid",
      load: ({ connection }, keys) => explainBuilders(connection, keys),
      empty: [],
      mostInList: mostExplained,
    },
  },
  order: ["builderid"],
  paths: [{ pattern: "waiting/builders", kind: "collection" }],
});

export type Waiting = z.output<typeof waiting.schema>;
export type WaitingBuilder = z.output<typeof waitingBuilders.schema>;
