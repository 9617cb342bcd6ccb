import pg from "pg";
import { onCleanup } from "./cleanup.ts";
import type { TestCluster } from "./cluster.ts";
import { waitFor } from "./wait-for.ts";

/** A connection of the test's own: what it locks, the masters wait for, at exactly that statement. */
export interface DatabaseSession {
  run(sql: string): Promise<void>;
  end(): Promise<void>;
}

export async function openSession(cluster: TestCluster): Promise<DatabaseSession> {
  const client = new pg.Client({ connectionString: cluster.database });
  client.on("error", () => {});
  await client.connect();
  let ended: Promise<void> | undefined;
  const end = () => (ended ??= client.end());
  onCleanup(end);
  return { run: async (sql) => void (await client.query(sql)), end };
}

/** Waits until `count` statements like `pattern` (a regular expression) wait for a lock in the server. */
export async function waitForBlocked(cluster: TestCluster, pattern: string, count = 1): Promise<void> {
  await waitFor(
    async () =>
      (
        await cluster.rows(
          `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database() and query ~* '${pattern}'`,
        )
      ).length >= count,
    { what: `${count} statements like "${pattern}" to wait for a lock`, timeoutMs: 60_000 },
  );
}

/**
 * From now on every commit that adds a row to this table waits, within the commit, while a session of the test holds
 * `pg_advisory_lock(4711)`: what is done is not yet durable.
 */
export async function holdCommits(session: DatabaseSession, table: string): Promise<void> {
  await session.run(`
    create function hold_commit() returns trigger language plpgsql as
      $$ begin perform pg_advisory_xact_lock_shared(4711); return null; end $$;
    create constraint trigger hold_commit after insert on ${table} deferrable initially deferred
      for each row execute function hold_commit();`);
}
