import type { Json, ReportKind } from "@multimaster/core";
import { type Connection, execute, queryRows, together } from "@multimaster/database";

/** What a row of the outbox is about: what can be reported, and what only the cluster itself notes. At most 20 characters. */
export type OutboxKind = ReportKind | "request-ended" | "request-released" | "worker-detached" | "worker-suspected";

/** A transition, as the outbox has it. */
export interface OutboxEntry {
  readonly kind: OutboxKind;
  /** Of the buildset, build request, build, step, worker or master. */
  readonly objectid: number;
  readonly facts: Readonly<Record<string, Json>>;
}

/** SQL: 1 if a reporter wants rows of this kind. In the statement that writes them, so that a cluster without reporters pays nothing. */
const wanted = "(select 1 from mm_reporter_kinds k where k.kind = v.kind limit 1)";

/** Writes transitions down, in the transaction that makes them: one statement, however many they are. */
export const insertOutboxEntries = together(
  async (tx, transitions: readonly (readonly OutboxEntry[])[]): Promise<undefined[]> => {
    const rows = transitions.flatMap((entries) =>
      entries.map(({ kind, objectid, facts }) => [kind, objectid, JSON.stringify(facts)]),
    );
    const given = tx.dialect.rowsOf(["text", "integer", "text"], rows);
    const insert = `with v(kind, objectid, facts) as (${given.sql})
      insert into mm_outbox (at, kind, objectid, facts, owed) select ${tx.dialect.now}, kind, objectid, facts, ${wanted} from v`;
    if (rows.length > 0) await execute(tx, insert, given.bindings);
    return transitions.map(() => undefined);
  },
);

/** How much the outbox keeps: a reader that was away for longer has to begin again. */
export interface OutboxBounds {
  readonly seconds: number;
  readonly rows: number;
}

export const outboxBounds: OutboxBounds = { seconds: 86_400, rows: 200_000 };

/** A row that reporters have not been asked about stays longer, but not for ever: no master may have the role any more. */
const owedSeconds = 30 * 86_400;

/** Rows that one transaction deletes at most; the next round deletes the rest. */
const mostPruned = 10_000;

/**
 * Deletes what the outbox need not keep: rows that are too old, and the oldest ones above the number; returns how many.
 * Every master calls this now and then. Rows that another one is deleting are left to it.
 */
export async function pruneOutbox(connection: Connection, bounds = outboxBounds): Promise<number> {
  const forgotten = `at < ${connection.dialect.now} - ${owedSeconds}`;
  const { now, updateLock, skipLocked } = connection.dialect;
  const lock = updateLock === "" ? "" : `${updateLock}${skipLocked}`;
  // The newest row stays, however old it is: SQLite would give its id again. Two statements, each served by its own index.
  let pruned = 0;
  for (const [old, bound] of [
    [`at < ${now} - ? and id < (select max(id) from mm_outbox)`, bounds.seconds],
    ["id <= (select max(id) from mm_outbox) - ?", bounds.rows],
  ] as const) {
    const rows = await queryRows(
      connection,
      `delete from mm_outbox where id in (select id from mm_outbox where ${old} and (owed is null or ${forgotten}) limit ${mostPruned}${lock}) returning id`,
      [bound],
    );
    pruned += rows.length;
  }
  return pruned;
}
