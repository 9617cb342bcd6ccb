import type { z } from "zod";
import { defineResource } from "../model/define-resource.ts";
import { datetime, integer, structured, text, wholeSeconds, wholeSecondsOrNull } from "../model/field-kinds.ts";
import { retentionReport } from "../model/retention-report.ts";

/** What retention deleted: the last runs. */
export const retentionRuns = defineResource({
  name: "retention_run",
  plural: "retention_runs",
  rights: { isNamed: true, needs: ["builders", "masters"] },
  id: "runid",
  from: "mm_retention_runs u left join masters m on m.id = u.masterid",
  fields: {
    runid: { schema: integer, sql: "u.id" },
    /** The master that did the last of it. */
    master: { schema: text.nullable(), sql: "m.name" },
    started_at: { schema: datetime, sql: "u.started_at", read: wholeSeconds },
    /** Null: it goes on. */
    ended_at: { schema: datetime.nullable(), sql: "u.ended_at", read: wholeSecondsOrNull },
    /** By rule and builder: how many builds, logs, bytes and more were deleted. */
    report: {
      schema: structured(retentionReport),
      sql: "u.report",
      read: (value) => retentionReport.parse(JSON.parse(String(value))),
    },
  },
  order: ["-runid"],
  paths: [
    { pattern: "retention_runs", kind: "collection" },
    { pattern: "retention_runs/n:runid", kind: "single", where: "u.id = :runid" },
  ],
});

export type RetentionRunReport = z.output<typeof retentionRuns.schema>;
