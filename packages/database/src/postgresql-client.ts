import type pg from "pg";
import { noteConnectionError, spoilsConnection } from "./dialect/postgresql-trouble.ts";
import {
  type ClientClass,
  hardenTransaction,
  knexClientClass,
  type PendingTransaction,
  type RawConnection,
  refuseInsideTransaction,
  type TransactionConfig,
} from "./knex-client.ts";
import { connectPostgresql, NoServer } from "./postgresql-connect.ts";
import type { postgresqlConnection } from "./postgresql-settings.ts";
import { PostgresqlSession } from "./postgresql-tls.ts";
import { StatementNames } from "./statement-names.ts";
import { writeOnce } from "./write-once.ts";

/** knex's PostgreSQL client with hardened, less talkative transactions. (No private fields: knex makes half-instances of it.) */
export class PostgresqlClient extends (knexClientClass("postgres") as ClientClass) {
  _driver(): object {
    return { Client: PostgresqlSession };
  }

  override acquireConnection(): Promise<unknown> {
    refuseInsideTransaction(this);
    return super.acquireConnection();
  }

  /** Called by knex's `acquireRawConnection`; knex itself knows only one server. */
  _acquireOnlyConnection(): Promise<PostgresqlSession> {
    return connectPostgresql(this.connectionSettings as ReturnType<typeof postgresqlConnection>, (session) => {
      const dispose = (why: unknown) => {
        (session as RawConnection).__knex__disposed = why;
      };
      session.on("error", dispose);
      session.on("end", () => dispose("The connection ended."));
    });
  }

  override async acquireRawConnection(): Promise<unknown> {
    try {
      return await super.acquireRawConnection();
    } catch (error) {
      if (!(error instanceof NoServer)) noteConnectionError(error);
      throw error;
    }
  }

  override transaction(container: unknown, config: TransactionConfig | undefined, outer: unknown): PendingTransaction {
    const transaction = super.transaction(container, config, outer);
    if (outer) return transaction;
    hardenTransaction(transaction, "BEGIN;");
    transaction.begin = config?.readOnly
      ? (connection) => transaction.trxClient.query(connection, beginOf(connection, snapshot))
      : // It travels with the first statement.
        async (connection) => void unbegun.add(connection);
    return transaction;
  }

  async _query(connection: PostgresqlConnection & RawConnection, query: Query): Promise<Query> {
    try {
      query.response = await (await inTurn(connection, () => send(connection, query))).answer;
      return query;
    } catch (error) {
      if (spoilsConnection(error)) connection.__knex__disposed = error;
      if (isMixedUp(error)) statementNames.stop();
      throw error;
    }
  }
}

const snapshot = " ISOLATION LEVEL REPEATABLE READ READ ONLY";

const turns = new WeakMap<object, Promise<unknown>>();

/** Statements of one connection are sent one after the other, in the order in which they were asked for. */
async function inTurn<T>(connection: object, act: () => Promise<T>): Promise<T> {
  const before = turns.get(connection);
  const asked = before === undefined ? act() : before.then(act);
  const done = asked.catch(() => undefined);
  turns.set(connection, done);
  try {
    return await asked;
  } finally {
    if (turns.get(connection) === done) turns.delete(connection);
  }
}

/** A statement that is on its way. */
interface Sent {
  readonly answer: Promise<unknown>;
}

/** Resolves when the next statement may be sent: in a pipeline, before this one is answered, but not before BEGIN is. */
async function send(connection: PostgresqlConnection, query: Query): Promise<Sent> {
  const values = [...(query.bindings ?? [])];
  if (connection.pipeline) writeOnce(connection.connection.stream);
  let begun: Promise<unknown> | undefined;
  if (unbegun.delete(connection)) {
    if (values.every(isPlainNumber))
      return whenDone(inTime(connection, () => queryWithBegin(connection, query.sql, values)));
    begun = inTime(connection, () => connection.query(beginOf(connection)));
    // A read does no harm if BEGIN fails; what would write waits for it.
    if (!connection.pipeline || !/^\s*select\b/i.test(query.sql)) await begun;
  }
  const isNamed = mayBePrepared(query.sql, values) && !poolers.get(connection)?.isPerTransaction;
  const name = isNamed ? statementNames.get(query.sql) : undefined;
  const statement = { text: query.sql, values, ...(name === undefined ? {} : { name }) };
  const answer = inTime(connection, () => connection.query(statement));
  if (!connection.pipeline) return whenDone(answer);
  if (begun === undefined) return { answer };
  // Its failure is that of BEGIN.
  answer.catch(() => undefined);
  await begun;
  return { answer };
}

async function whenDone(answer: Promise<unknown>): Promise<Sent> {
  await answer;
  return { answer };
}

/** What a connection through a pooler lacks: settings of its own, and, where it is shared, statements of its own. */
export interface ThroughPooler {
  readonly idleTransactionMs: number;
  /** Each transaction may run on another session of the server. */
  readonly isPerTransaction: boolean;
}

const poolers = new WeakMap<object, ThroughPooler>();

/** From now on the connection is used as poolers want it. */
export function useThroughPooler(connection: object, pooler: ThroughPooler): void {
  poolers.set(connection, pooler);
}

/** Begins a transaction; behind a pooler it brings its settings along. */
function beginOf(connection: object, mode = ""): string {
  const pooler = poolers.get(connection);
  const settings = pooler ? ` SET LOCAL idle_in_transaction_session_timeout = ${pooler.idleTransactionMs};` : "";
  return `BEGIN${mode};${settings}`;
}

/** A pooler that went unnoticed gave our statements' names to another session. */
function isMixedUp(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "26000" || error.code === "42P05");
}

interface Query {
  sql: string;
  bindings?: readonly unknown[];
  response?: unknown;
}

const statementNames = new StatementNames();

/** Connections whose transaction has not been told to the server yet. */
const unbegun = new WeakSet<object>();

/** What is used of a pg client beyond its types. */
export type PostgresqlConnection = pg.ClientBase & {
  /** Statements are sent without waiting for the answer to those before. */
  readonly pipeline?: boolean;
  readonly connection: { readonly stream: { destroy(): void; cork(): void; uncork(): void } };
};

const answerTimes = new WeakMap<object, number>();

/** From now on the connection is broken by an answer that takes longer. */
export function limitAnswerTime(connection: PostgresqlConnection, ms: number): void {
  answerTimes.set(connection, ms);
}

/** Cuts the connection: what waits for an answer on it fails at once. */
export function breakConnection(connection: PostgresqlConnection): void {
  connection.connection.stream.destroy();
}

/** On a connection whose other end is gone, or forgotten by a firewall, an answer would be waited for until the system gives up. */
async function inTime<T>(connection: pg.ClientBase, ask: () => Promise<T>): Promise<T> {
  const ms = answerTimes.get(connection);
  if (ms === undefined) return ask();
  const timer = setTimeout(() => breakConnection(connection as PostgresqlConnection), ms);
  try {
    return await ask();
  } finally {
    clearTimeout(timer);
  }
}

/** Of statements without values only a single read: several at once, and those that are not planned, cannot be prepared. */
function mayBePrepared(sql: string, values: readonly unknown[]): boolean {
  return values.length > 0 || (/^\s*(select|with)\b/i.test(sql) && !sql.includes(";"));
}

function isPlainNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/**
 * Sends BEGIN and a statement at once: most transactions begin with their fence, and each answer waited for costs more
 * than the statement. Two statements at once cannot have bindings, so the numbers are written into it. When BEGIN fails,
 * the server does not run the other.
 */
async function queryWithBegin(connection: pg.ClientBase, sql: string, values: readonly number[]): Promise<unknown> {
  const text = sql.replace(/\$(\d+)/g, (_, n) => String(values[Number(n) - 1]));
  const answers = (await connection.query(`${beginOf(connection)} ${text}`)) as unknown as unknown[];
  return answers.at(-1);
}

/** Why a first connection failed, in words an operator can act on. */
export function explainConnectionError(error: unknown): string {
  if (error instanceof NoServer)
    return error.failures.map(({ host, error: why }) => `${host}: ${explainConnectionError(why)}`).join("; ");
  const causes = error instanceof AggregateError ? error.errors : [error];
  const first = (causes.find((cause) => cause instanceof Error) ?? error) as Error & {
    code?: string;
    hostname?: string;
  };
  switch (first.code) {
    case "ECONNREFUSED":
      return "connection refused";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `the host name ${first.hostname ?? ""} is unknown`.replace("  ", " ");
    case "ETIMEDOUT":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return "the host does not answer";
    case "ENOENT":
      return "there is no server at that socket";
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
      return `its certificate is signed by no authority that this machine trusts (${first.message}); name the one that signed it with sslrootcert=FILE in the URL, or write sslmode=require to encrypt without verifying`;
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return `its certificate is for another host name (${first.message}); sslmode=verify-ca does not look at the name`;
    default:
      // The server's own words are plain: password authentication failed for user "x", database "y" does not exist.
      return /timeout expired|connection timeout/i.test(first.message)
        ? "the host does not answer"
        : first.message.replace(/\.$/, "");
  }
}
