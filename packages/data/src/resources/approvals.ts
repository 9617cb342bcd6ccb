import type { z } from "zod";
import { defineResource } from "../model/define-resource.ts";
import { datetime, identifier, integer, text, wholeSeconds, wholeSecondsOrNull } from "../model/field-kinds.ts";

/** Requests for strangers' code whose builds begin only after a user has approved them. */
export const approvals = defineResource({
  name: "approval",
  plural: "approvals",
  rights: { needs: ["buildrequests", "builders"] },
  id: "buildrequestid",
  from: "mm_approvals ap join buildrequests br on br.id = ap.buildrequestid join builders bu on bu.id = br.builderid",
  fields: {
    buildrequestid: { schema: integer, sql: "ap.buildrequestid" },
    builderid: { schema: integer, sql: "br.builderid" },
    builder: { schema: text, sql: "bu.name" },
    /** What is to be approved. */
    subject: { schema: text, sql: "ap.subject" },
    asked_at: { schema: datetime, sql: "ap.asked_at", read: wholeSeconds },
    /** When the request ends if no one has decided; null: never. */
    expires_at: { schema: datetime.nullable(), sql: "ap.expires_at", read: wholeSecondsOrNull },
    /** `approved`, `rejected` or `expired`; null: it waits, or its request has ended otherwise. */
    decision: { schema: identifier(16).nullable(), sql: "ap.decision" },
    decided_by: { schema: text.nullable(), sql: "ap.decided_by" },
    decided_at: { schema: datetime.nullable(), sql: "ap.decided_at", read: wholeSecondsOrNull },
    reason: { schema: text.nullable(), sql: "ap.reason" },
  },
  order: ["buildrequestid"],
  paths: [
    { pattern: "approvals", kind: "collection", where: "ap.decision is null and br.complete = 0" },
    { pattern: "approvals/n:buildrequestid", kind: "single", where: "ap.buildrequestid = :buildrequestid" },
    {
      pattern: "buildrequests/n:buildrequestid/approvals",
      kind: "collection",
      where: "ap.buildrequestid = :buildrequestid",
    },
  ],
});

export type Approval = z.output<typeof approvals.schema>;
