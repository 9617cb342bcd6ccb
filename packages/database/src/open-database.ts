import { errors, type Logger } from "@multimaster/core";
import type { Database } from "./connection.ts";
import { ConnectionPool } from "./connections/connection-pool.ts";
import { PoolSql } from "./connections/pool-sql.ts";
import type { PooledConnection } from "./connections/pooled-connection.ts";
import { openPostgresqlConnection, type PostgresqlConnection } from "./connections/postgresql-connection.ts";
import { SqliteConnection } from "./connections/sqlite-connection.ts";
import { StatementNames } from "./connections/statement-names.ts";
import { StatementWatchers } from "./connections/statement-watchers.ts";
import { runTransaction } from "./connections/transactions.ts";
import { WriterTurns } from "./connections/writer-turns.ts";
import { type DatabaseUrl, parseDatabaseUrl } from "./database-url.ts";
import { dialects } from "./dialect.ts";
import { explainConnectionError } from "./explain-connection-error.ts";
import { type FileLock, lockSqliteFile } from "./file-lock.ts";
import { detectPooling, type Pooling, readPooling } from "./pooling.ts";
import { connectPostgresql } from "./postgresql-connect.ts";
import { postgresqlConnection } from "./postgresql-settings.ts";
import type { PostgresqlSession } from "./postgresql-tls.ts";
import { closeToOthers } from "./sqlite-file.ts";

export interface OpenOptions {
  log: Logger;
  /** PostgreSQL: maximum number of connections (default 10). */
  poolSize?: number;
  /** SQLite: most connections at once (default 1). With more, reads go on while a write waits for other threads. */
  sqliteConnections?: number;
  /** This process has the database open already and knows that of it: the server is not asked, and may be away. */
  known?: Pick<Database, "pooling" | "exclusive">;
  /** For masters: refuses a SQLite file that another master has open, until closed. No effect on PostgreSQL. */
  exclusive?: boolean;
  /** PostgreSQL ends our transactions that fall silent for so long (default 10 s); masters pass less than their lease. */
  idleTransactionMs?: number;
  /** PostgreSQL: a statement whose answer takes longer breaks its connection. Default: it is waited for. */
  answerMs?: number;
}

/** Opens `sqlite:FILE` or `postgresql://…`. The server is really asked, so a wrong address or password shows here. */
export async function openDatabase(url: string, options: OpenOptions): Promise<Database> {
  const parsed = parseDatabaseUrl(url);
  const { known } = options;
  let lock: FileLock | undefined;
  let pooling: Pooling = known?.pooling ?? "none";
  if (!known) {
    if (parsed.engine === "sqlite" && !parsed.memory) closeToOthers(parsed.file, options.log);
    if (parsed.engine === "postgresql") pooling = await probeServer(parsed, options);
    else if (options.exclusive && !parsed.memory) lock = openFile(parsed, () => lockSqliteFile(parsed.file));
  }
  const watchers = new StatementWatchers();
  const connections = new Set<PostgresqlConnection>();
  const pool =
    parsed.engine === "sqlite"
      ? openSqlitePool(parsed.file, options, watchers)
      : openPostgresqlPool(parsed.url, options, pooling, watchers, connections);
  const dialect = dialects[parsed.engine];
  const sql = new PoolSql(pool);
  const writing = { pool, dialect, turns: parsed.engine === "sqlite" ? new WriterTurns() : undefined };
  try {
    if (!known) await sql.run("select 1");
  } catch (error) {
    await pool.close();
    lock?.release();
    throw errors.databaseUnreachable(parsed.describe, explainConnectionError(error), { cause: error });
  }
  let closing: Promise<void> | undefined;
  return {
    url: parsed.url,
    describe: parsed.describe,
    pooling,
    exclusive: known?.exclusive ?? (lock !== undefined || (parsed.engine === "sqlite" && parsed.memory)),
    sql,
    dialect,
    transaction: (fn) => runTransaction(writing, fn),
    snapshot: (fn) => runTransaction({ pool, dialect }, fn, { readOnly: true }),
    breakConnections() {
      for (const connection of connections) connection.cut();
    },
    watch: (watcher) => watchers.add(watcher),
    close: () => (closing ??= pool.close().finally(() => lock?.release())),
  };
}

function openFile<T>(url: DatabaseUrl, open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (error instanceof Error && error.name === "UserError") throw error;
    throw errors.databaseUnreachable(url.describe, explainConnectionError(error), { cause: error });
  }
}

/** Connects once, so that a wrong address or password shows, and finds out whether a pooler stands between. */
async function probeServer(url: DatabaseUrl, { log }: OpenOptions): Promise<Pooling> {
  const told = readPooling(url.url);
  let client: PostgresqlSession | undefined;
  try {
    client = await connectPostgresql(postgresqlConnection(url.url, { idleTransactionMs: 0 }));
    if (told) return told;
    const found = await detectPooling(client);
    if (found !== "none")
      log.info(
        { database: url.describe },
        "a connection pooler stands before the database: statements are not prepared; where it pools sessions, ?pooler=session in the URL says so",
      );
    return found;
  } catch (error) {
    throw errors.databaseUnreachable(url.describe, explainConnectionError(error), { cause: error });
  } finally {
    await client?.end().catch(() => {});
  }
}

/** Users who wait for longer for a connection get an error, which counts as the database's trouble. */
const acquireMs = 60_000;
const idleMs = 30_000;

function openSqlitePool(file: string, { sqliteConnections = 1 }: OpenOptions, watchers: StatementWatchers) {
  return new ConnectionPool<PooledConnection>({
    // One stays open: another first connection would find an empty :memory: database.
    keep: 1,
    max: file === ":memory:" ? 1 : sqliteConnections,
    acquireMs,
    idleMs,
    open: async () => new SqliteConnection(file, watchers),
  });
}

function openPostgresqlPool(
  url: string,
  { idleTransactionMs = 10_000, answerMs, poolSize = 10 }: OpenOptions,
  pooling: Pooling,
  watchers: StatementWatchers,
  connections: Set<PostgresqlConnection>,
) {
  const options = {
    // A pooler refuses settings at the beginning of a connection: it gets them with each transaction.
    settings: postgresqlConnection(url, { idleTransactionMs: pooling === "none" ? idleTransactionMs : 0 }),
    pooler: pooling === "none" ? undefined : { idleTransactionMs, isPerTransaction: pooling === "transaction" },
    answerMs,
    watchers,
    names: new StatementNames(),
    connections,
  };
  return new ConnectionPool<PooledConnection>({
    keep: 0,
    max: poolSize,
    acquireMs,
    idleMs,
    open: () => openPostgresqlConnection(options),
  });
}
