import { double, index, integer, table, text, varchar } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** Why requests ended without a build of their own (docs/decisions/engines-decide-what-collapses.md). */
export const requestEnds: Migration = {
  name: "requests that ended without a build",
  kind: "expand",
  tables: [
    table(
      "mm_request_ends",
      {
        buildrequestid: integer.primary().references("buildrequests.id"),
        // "collapsed" or "cancelled".
        kind: varchar(16),
        // Of a collapsed request: the one that builds its changes. If that one collapses too, the row names the next one.
        into_requestid: integer.nullable(),
        // Of a cancelled request: why.
        reason: text.nullable(),
        ended_at: double,
      },
      index("mm_request_ends_into", "into_requestid"),
    ),
    // Properties that a request has beside those of its buildset, which has other requests as well.
    table("mm_request_properties", {
      buildrequestid: integer.primary().references("buildrequests.id"),
      property_name: varchar(256).primary(),
      property_value: text,
    }),
  ],
};
