import { type Connection, execute } from "@multimaster/database";
import type { Damage } from "./damages.ts";

const addReporter = (tx: Connection) =>
  execute(tx, "insert into mm_reporters (id, name, type, configured) values (7, 'forge', 'http-push', 1)");

/** A report of that reporter, `seconds` ago. */
async function addReport(tx: Connection, id: number, state: string, seconds: number): Promise<void> {
  const { now } = tx.dialect;
  await execute(
    tx,
    `insert into mm_reports (id, reporterid, outboxid, kind, objectid, facts, happened_at, context, about, final, state, ended_at)
     values (?, 7, ?, 'build-ended', 1, '{}', ${now} - ?, 'a', 'web #1', 1, ?, ${state === "owed" ? "null" : now})`,
    [id, id, seconds, state],
  );
}

export const reportDamages: Readonly<Record<string, Damage>> = {
  "report-overdue": {
    async do(tx) {
      await addReporter(tx);
      await addReport(tx, 70, "owed", 5000);
    },
    ids: () => [7],
  },
  "report-given-up": {
    async do(tx) {
      await addReporter(tx);
      await addReport(tx, 70, "dead", 5);
    },
    ids: () => [70],
  },
  "reporter-filter-suspended": {
    async do(tx) {
      await addReporter(tx);
      await execute(tx, "update mm_reporters set suspended = 'its filter is suspended' where id = 7");
    },
    ids: () => [7],
  },
  "event-not-handed-out": {
    do: (tx) =>
      execute(
        tx,
        `insert into mm_outbox (id, at, kind, objectid, facts, owed) values (4711, ${tx.dialect.now} - 5000, 'build-ended', 1, '{}', 1)`,
      ),
    ids: () => [4711],
  },
  "report-out-of-order": {
    async do(tx) {
      await addReporter(tx);
      await addReport(tx, 70, "owed", 5);
      await addReport(tx, 71, "sent", 5);
    },
    ids: () => [71],
  },
};

export const reporterDamages: Readonly<Record<string, Damage>> = {
  "reporter-of-gone-master": {
    async do(tx, { gone }) {
      await addReporter(tx);
      await execute(tx, "insert into mm_reporter_masters (reporterid, masterid) values (7, ?)", [gone.lease.masterid]);
    },
    ids: () => [7],
  },
};
