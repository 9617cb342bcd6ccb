import type { Migration } from "../migration.ts";

/** A reporter finds what it may send, and retention what is still owed, without reading the rest of what is owed. */
export const reportsByContext: Migration = {
  name: "reports by context and object",
  kind: "expand",
  statements: () => [
    // 0: an earlier report of the context is owed, so this one is not due. 1 is only a hint: a reader checks it.
    "alter table mm_reports add column is_first smallint default 1 not null",
    "create index mm_reports_due on mm_reports (reporterid, next_at, id) where state = 'owed' and is_first = 1",
    "create index mm_reports_states on mm_reports (reporterid, context, state, id)",
    "create index mm_reports_open on mm_reports (objectid) where ended_at is null",
    "create index mm_outbox_open on mm_outbox (objectid) where owed = 1",
  ],
};
