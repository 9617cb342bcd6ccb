import type { z } from "zod";
import { defineResource } from "../model/define-resource.ts";
import { datetime, integer, text, wholeSeconds } from "../model/field-kinds.ts";

/** Who did what, or was refused it; the newest ones are kept. */
export const auditEntries = defineResource({
  name: "audit_entry",
  plural: "audit_entries",
  rights: { isNamed: true, needs: [] },
  id: "auditid",
  from: "mm_audit a",
  fields: {
    auditid: { schema: integer, sql: "a.id" },
    at: { schema: datetime, sql: "a.at", read: wholeSeconds },
    /** Identity, which no one else can take: `user:ann`, `token:nightly`, `anonymous`, or of a provider. */
    who: { schema: text, sql: "a.who" },
    name: { schema: text, sql: "a.name" },
    by: { schema: text, sql: "a.by_what" },
    address: { schema: text.nullable(), sql: "a.address" },
    action: { schema: text, sql: "a.action" },
    object: { schema: text, sql: "a.object" },
    outcome: { schema: text, sql: "a.outcome" },
    detail: { schema: text.nullable(), sql: "a.detail" },
    times: { schema: integer, sql: "a.times" },
  },
  order: ["-auditid"],
  paths: [
    { pattern: "audit_entries", kind: "collection" },
    { pattern: "audit_entries/n:auditid", kind: "single", where: "a.id = :auditid" },
  ],
});

export type AuditEntry = z.output<typeof auditEntries.schema>;
