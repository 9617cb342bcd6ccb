import { setTimeout as sleep } from "node:timers/promises";
import { Backoff, errors, type Logger } from "@multimaster/core";
import type BetterSqlite3 from "better-sqlite3";
import knex, { type Knex } from "knex";
import type { Connection, Database } from "./connection.ts";
import { type DatabaseUrl, parseDatabaseUrl } from "./database-url.ts";
import { type Dialect, dialects } from "./dialect.ts";
import { type FileLock, lockSqliteFile } from "./file-lock.ts";
import { runInside, type TransactionConfig } from "./knex-client.ts";
import { detectPooling, type Pooling, readPooling } from "./pooling.ts";
import {
  breakConnection,
  explainConnectionError,
  limitAnswerTime,
  PostgresqlClient,
  type PostgresqlConnection,
  useThroughPooler,
} from "./postgresql-client.ts";
import { connectPostgresql } from "./postgresql-connect.ts";
import { postgresqlConnection } from "./postgresql-settings.ts";
import type { PostgresqlSession } from "./postgresql-tls.ts";
import { SqliteClient } from "./sqlite-client.ts";
import { prepareSqlite } from "./sqlite-driver.ts";
import { closeToOthers } from "./sqlite-file.ts";
import { WriterTurns } from "./writer-turns.ts";

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

const maxTries = 6;

/** The caller waits for a database that is away for longer: a user may be waiting for an answer. */
const patienceMs = 5000;

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
  const connections = new Set<PostgresqlConnection>();
  const sql =
    parsed.engine === "sqlite"
      ? openSqlite(parsed.file, options)
      : openPostgresql(parsed.url, options, pooling, connections);
  const dialect = dialects[parsed.engine];
  const writer = parsed.engine === "sqlite" ? new WriterTurns() : undefined;
  try {
    if (!known) await sql.raw("select 1");
  } catch (error) {
    await sql.destroy();
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
    transaction: (fn) => runTransaction(sql, dialect, fn, { writer }),
    snapshot: (fn) => runTransaction(sql, dialect, fn, { config: { readOnly: true } }),
    breakConnections() {
      for (const connection of connections) breakConnection(connection);
    },
    close: () => (closing ??= sql.destroy().finally(() => lock?.release())),
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

function openSqlite(file: string, options: OpenOptions): Knex {
  return knex({
    client: SqliteClient as unknown as typeof Knex.Client,
    connection: { filename: file },
    useNullAsDefault: true,
    compileSqlOnError: false,
    // One stays open: another first connection would find an empty :memory: database.
    pool: {
      min: 1,
      max: file === ":memory:" ? 1 : (options.sqliteConnections ?? 1),
      acquireTimeoutMillis: 60_000,
      afterCreate: prepareConnection,
    },
    log: knexLog(options.log),
  });
}

function prepareConnection(
  connection: BetterSqlite3.Database,
  done: (error: Error | null, connection: unknown) => void,
): void {
  try {
    prepareSqlite(connection);
    done(null, connection);
  } catch (error) {
    done(error as Error, connection);
  }
}

function openPostgresql(
  url: string,
  options: OpenOptions,
  pooling: Pooling,
  connections: Set<PostgresqlConnection>,
): Knex {
  const idleTransactionMs = options.idleTransactionMs ?? 10_000;
  return knex({
    client: PostgresqlClient as unknown as typeof Knex.Client,
    // A pooler refuses settings at the beginning of a connection: it gets them with each transaction.
    connection: {
      ...postgresqlConnection(url, { idleTransactionMs: pooling === "none" ? idleTransactionMs : 0 }),
      pipeline: pooling === "none",
    } as Knex.PgConnectionConfig,
    compileSqlOnError: false,
    pool: {
      min: 0,
      max: options.poolSize ?? 10,
      acquireTimeoutMillis: 60_000,
      afterCreate(connection: PostgresqlConnection, done: (error: Error | null, connection: unknown) => void) {
        connections.add(connection);
        if (pooling !== "none")
          useThroughPooler(connection, { idleTransactionMs, isPerTransaction: pooling === "transaction" });
        if (options.answerMs !== undefined) limitAnswerTime(connection, options.answerMs);
        connection.once("end", () => connections.delete(connection));
        done(null, connection);
      },
    },
    log: knexLog(options.log),
  });
}

/** knex warns through our log; the caller whose query failed repeats its connection warnings, so they are only debug. */
function knexLog(log: Logger) {
  const debug = (message: unknown) => log.debug({ knex: message }, "knex");
  return { warn: debug, error: debug, deprecate: debug, debug, inspectionDepth: 1, enableColors: false };
}

/** Runs a statement outside any transaction again, a few times, when the server rolled it back only because of others. */
export async function retryRolledBack<T>({ dialect }: Connection, run: () => Promise<T>): Promise<T> {
  const backoff = new Backoff({ initial: 20, max: 1000 });
  for (let tries = 1; ; tries++) {
    try {
      return await run();
    } catch (error) {
      if (!dialect.isRetryable(error) || tries >= maxTries) throw error;
    }
    await sleep(backoff.next());
  }
}

async function runTransaction<T>(
  sql: Knex,
  dialect: Dialect,
  fn: (tx: Connection) => Promise<T>,
  { config = {}, writer }: { config?: TransactionConfig; writer?: WriterTurns | undefined } = {},
): Promise<T> {
  const backoff = new Backoff({ initial: 20, max: 1000 });
  const begun = performance.now();
  for (let tries = 1; ; tries++) {
    // Once the body is done the commit is on its way, and a broken connection leaves its outcome unknown.
    let committing = false;
    try {
      const run = () =>
        sql.transaction(async (transaction) => {
          const result = await runInside(sql.client, () => fn({ sql: transaction, dialect }));
          committing = true;
          return result;
        }, config);
      return await (writer ? writer.take(sql.client, run) : run());
    } catch (error) {
      const patient = !committing && performance.now() - begun < patienceMs;
      const again = dialect.isRetryable(error) || (patient && dialect.isAway(error));
      if (!again || tries >= maxTries) throw error;
      await sleep(backoff.next());
    }
  }
}
