import { double, index, integer, serial, table, text, varchar } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** Who did what, and on whose behalf builds run. Both are written by the server alone. */
export const auditTrail: Migration = {
  name: "audit trail and who asked for builds",
  kind: "expand",
  tables: [
    table(
      "mm_audit",
      {
        id: serial,
        at: double,
        // Identity: "user:ann", "token:nightly", "anonymous", or of a provider "https://issuer#subject".
        who: varchar(255),
        // The name that people know.
        name: varchar(255),
        // session, proxy, token, nothing, command line
        by_what: varchar(16),
        address: varchar(64).nullable(),
        action: varchar(64),
        // Path of the object in the API, such as builds/7.
        object: varchar(255),
        // done, refused or failed
        outcome: varchar(8),
        detail: text.nullable(),
        // Of what was refused or failed: how often in a row.
        times: integer.default("1"),
      },
      index("mm_audit_outcome_id", "outcome", "id"),
      index("mm_audit_who_id", "who", "id"),
    ),
    table("mm_askers", {
      buildsetid: integer.primary().references("buildsets.id"),
      identity: varchar(255),
      name: varchar(255),
    }),
  ],
};
