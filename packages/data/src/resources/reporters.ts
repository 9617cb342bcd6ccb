import type { z } from "zod";
import { defineResource } from "../model/define-resource.ts";
import { bool, datetime, integer, text, wholeSeconds, wholeSecondsOrNull } from "../model/field-kinds.ts";

const count = (state: string) => ({
  schema: integer,
  sql: `(select count(*) from mm_reports x where x.reporterid = rp.id and x.state = '${state}')`,
  read: Number,
});

/** Of the report that is tried again next: an attempt that fails says when, and only the first report of a context is attempted. */
const ofWaiting = (
  column: string,
) => `(select x.${column} from mm_reports x where x.reporterid = rp.id and x.state = 'owed'
  and x.is_first = 1 and x.next_at > 0 and x.problem is not null order by x.next_at, x.id limit 1)`;

/** The reporters of the config: how many reports each of them owes, and why it fails. */
export const reporters = defineResource({
  name: "reporter",
  plural: "reporters",
  rights: { isNamed: true, needs: [] },
  id: "reporterid",
  from: "mm_reporters rp left join mm_reporter_masters rm on rm.reporterid = rp.id left join masters m on m.id = rm.masterid",
  fields: {
    reporterid: { schema: integer, sql: "rp.id" },
    name: { schema: text, sql: "rp.name" },
    /** The plugin, such as "github-status". */
    type: { schema: text, sql: "rp.type" },
    /** Whether the newest config has it. */
    configured: { schema: bool, sql: "rp.configured = 1" },
    /** The master that sends for it; null: none at the moment. */
    master: { schema: text.nullable(), sql: "m.name" },
    /** Reports that are not sent yet, those given up, and those that were ever sent. */
    owed: count("owed"),
    dead: count("dead"),
    sent: { schema: integer, sql: "rp.sent" },
    last_sent_at: { schema: datetime.nullable(), sql: "rp.last_sent_at", read: wholeSecondsOrNull },
    /** Since when every attempt has failed, and why the last one did. */
    failing_since: { schema: datetime.nullable(), sql: "rp.failing_since", read: wholeSecondsOrNull },
    problem: { schema: text.nullable(), sql: "rp.problem" },
    /** Why the last attempt failed of the report that is tried again next, and when that is. */
    report_problem: { schema: text.nullable(), sql: ofWaiting("problem") },
    next_at: { schema: datetime.nullable(), sql: `nullif(${ofWaiting("next_at")}, 0)`, read: wholeSecondsOrNull },
    /** Why its filter is not called for a while: what it would choose from is reported as it is. Null: it is called. */
    suspended: { schema: text.nullable(), sql: "rp.suspended" },
    /** Nothing is sent before. */
    paused_until: { schema: datetime.nullable(), sql: "rp.paused_until", read: wholeSecondsOrNull },
    /** When the oldest report that is owed happened. */
    owed_since: {
      schema: datetime.nullable(),
      sql: "(select x.happened_at from mm_reports x where x.reporterid = rp.id and x.state = 'owed' order by x.id limit 1)",
      read: wholeSecondsOrNull,
    },
  },
  order: ["name", "reporterid"],
  paths: [
    { pattern: "reporters", kind: "collection", where: "rp.type <> 'hand-out'" },
    { pattern: "reporters/n:reporterid", kind: "single", where: "rp.id = :reporterid and rp.type <> 'hand-out'" },
  ],
  events: {
    names: { changed: "Pages show what it owes and how it fails; without it, at their next read." },
    topics: ["reporters/:reporterid"],
  },
});

/** One thing that is, or was, to be reported through one reporter. */
export const reports = defineResource({
  name: "report",
  plural: "reports",
  rights: { isNamed: true, needs: ["reporters", "builds"] },
  id: "reportid",
  from: "mm_reports p join mm_reporters rp on rp.id = p.reporterid",
  fields: {
    reportid: { schema: integer, sql: "p.id" },
    reporterid: { schema: integer, sql: "p.reporterid" },
    reporter: { schema: text, sql: "rp.name" },
    /** What happened, such as "build-ended". */
    event: { schema: text, sql: "p.kind" },
    /** What it is about, for people. */
    about: { schema: text, sql: "p.about" },
    buildid: { schema: integer.nullable(), sql: "case when p.kind like 'build-%' then p.objectid end" },
    happened_at: { schema: datetime, sql: "p.happened_at", read: wholeSeconds },
    /** `owed`, `sent`, `overtaken` by a later one, `skipped`: there was nothing to send, or `dead`: given up. `unasked`: handed out by a master whose config lacks the reporter. */
    state: { schema: text, sql: "p.state" },
    attempts: { schema: integer, sql: "p.attempts" },
    /** An attempt is under way, or ended without an answer: it may have arrived. */
    unsure: { schema: bool, sql: "p.sending_at is not null" },
    next_at: { schema: datetime.nullable(), sql: "nullif(p.next_at, 0)", read: wholeSecondsOrNull },
    failing_since: { schema: datetime.nullable(), sql: "p.failing_since", read: wholeSecondsOrNull },
    /** Why the last attempt failed; of one that was `skipped`, why there was nothing to send. */
    problem: { schema: text.nullable(), sql: "p.problem" },
    ended_at: { schema: datetime.nullable(), sql: "p.ended_at", read: wholeSecondsOrNull },
  },
  order: ["-reportid"],
  paths: [
    { pattern: "reports", kind: "collection" },
    { pattern: "reports/n:reportid", kind: "single", where: "p.id = :reportid" },
    { pattern: "reporters/n:reporterid/reports", kind: "collection", where: "p.reporterid = :reporterid" },
  ],
});

export type Reporter = z.output<typeof reporters.schema>;
export type Report = z.output<typeof reports.schema>;
