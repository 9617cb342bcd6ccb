import type { QueryResult } from "pg";
import { noteConnectionError, spoilsConnection } from "../dialect/postgresql-trouble.ts";
import { connectPostgresql, NoServer } from "../postgresql-connect.ts";
import type { postgresqlConnection } from "../postgresql-settings.ts";
import type { PostgresqlSession } from "../postgresql-tls.ts";
import type { Answer, Row } from "../sql.ts";
import { nameStatement } from "./name-statement.ts";
import { numberPlaceholders } from "./placeholders.ts";
import type { PooledConnection, TransactionOptions } from "./pooled-connection.ts";
import type { StatementNames } from "./statement-names.ts";
import type { StatementWatchers } from "./statement-watchers.ts";
import { writeOnce } from "./write-once.ts";

export interface PostgresqlOptions {
  readonly settings: ReturnType<typeof postgresqlConnection>;
  /** Present when a connection pooler stands between. */
  readonly pooler: ThroughPooler | undefined;
  /** An answer that takes longer breaks the connection. */
  readonly answerMs: number | undefined;
  readonly watchers: StatementWatchers;
  /** The same for all connections of a pool. */
  readonly names: StatementNames;
  /** It is in this set while it is open. */
  readonly connections: Set<PostgresqlConnection>;
}

/** What a connection through a pooler lacks: settings of its own, and, where it is shared, statements of its own. */
export interface ThroughPooler {
  readonly idleTransactionMs: number;
  /** Each transaction may run on another session of the server. */
  readonly isPerTransaction: boolean;
}

/** Opens a connection for a pool. */
export async function openPostgresqlConnection(options: PostgresqlOptions): Promise<PostgresqlConnection> {
  const ended = new WeakSet<PostgresqlSession>();
  const settings = { ...options.settings, pipeline: options.pooler === undefined };
  try {
    const session = await connectPostgresql(settings, (opened) => {
      // Of several servers, each that is tried has a session of its own.
      opened.on("error", () => ended.add(opened));
      opened.on("end", () => ended.add(opened));
    });
    const connection = new PostgresqlConnection(session, options, () => ended.has(session));
    options.connections.add(connection);
    session.once("end", () => options.connections.delete(connection));
    if (ended.has(session)) options.connections.delete(connection);
    return connection;
  } catch (error) {
    if (!(error instanceof NoServer)) noteConnectionError(error);
    throw error;
  }
}

interface FullAnswer extends Answer {
  readonly command: string;
}

/** A statement that is on its way. */
interface Sent {
  readonly answer: Promise<FullAnswer>;
}

const snapshot = " ISOLATION LEVEL REPEATABLE READ READ ONLY";
const rollbackMs = 5000;
const goodbyeMs = 5000;

/**
 * A connection to PostgreSQL that sends what is asked without waiting for each answer (except through a pooler), and BEGIN
 * along with the first statement.
 */
export class PostgresqlConnection implements PooledConnection {
  readonly #session: PostgresqlSession;
  readonly #options: PostgresqlOptions;
  readonly #hasEnded: () => boolean;
  readonly #isPipelined: boolean;
  #isSpoilt = false;
  /** The transaction has not been told to the server yet. */
  #isUnbegun = false;
  /** Undefined outside a transaction. */
  #transaction: { hasFailed: boolean } | undefined;
  /** The last statement that was asked. */
  #turn: Promise<unknown> | undefined;

  constructor(session: PostgresqlSession, options: PostgresqlOptions, hasEnded: () => boolean) {
    this.#session = session;
    this.#options = options;
    this.#hasEnded = hasEnded;
    this.#isPipelined = options.pooler === undefined;
  }

  get isSpoilt(): boolean {
    return this.#isSpoilt || this.#hasEnded();
  }

  async run(statement: string, bindings: readonly unknown[]): Promise<Answer> {
    return this.#watched(numberPlaceholders(statement, bindings), bindings);
  }

  async begin({ readOnly }: TransactionOptions): Promise<void> {
    this.#transaction = { hasFailed: false };
    if (readOnly) await this.#watched(this.#beginStatement(snapshot), []);
    else this.#isUnbegun = true;
  }

  async commit(): Promise<void> {
    if (this.#endUnbegun()) return this.#leaveTransaction();
    try {
      const { command } = await this.#watched("COMMIT;", []);
      if (command === "ROLLBACK") throw new Error("The transaction had failed before its commit.");
    } catch (error) {
      this.#isSpoilt = true;
      throw error;
    } finally {
      this.#leaveTransaction();
    }
  }

  async rollback(): Promise<void> {
    if (this.#endUnbegun() || this.isSpoilt) return this.#leaveTransaction();
    const timer = setTimeout(() => this.cut(), rollbackMs);
    try {
      await this.#watched("ROLLBACK;", []);
    } catch {
      this.#isSpoilt = true;
    } finally {
      clearTimeout(timer);
      this.#leaveTransaction();
    }
  }

  async close(): Promise<void> {
    const timer = setTimeout(() => this.cut(), goodbyeMs);
    await this.#session.end().finally(() => clearTimeout(timer));
  }

  /** Closes the socket: what waits for an answer fails immediately. */
  cut(): void {
    this.#isSpoilt = true;
    this.#session.cut();
  }

  #leaveTransaction(): void {
    this.#transaction = undefined;
  }

  /** Ends a transaction of which the server knows nothing; false if it knows it. */
  #endUnbegun(): boolean {
    const isUnbegun = this.#isUnbegun && this.#turn === undefined;
    if (isUnbegun) this.#isUnbegun = false;
    return isUnbegun;
  }

  /** Begins a transaction; behind a pooler it brings its settings along. */
  #beginStatement(mode = ""): string {
    const { pooler } = this.#options;
    const settings = pooler ? ` SET LOCAL idle_in_transaction_session_timeout = ${pooler.idleTransactionMs};` : "";
    return `BEGIN${mode};${settings}`;
  }

  #watched(text: string, values: readonly unknown[]): Promise<FullAnswer> {
    const answer = this.#ask(text, values);
    this.#options.watchers.notify(text, values, answer);
    return answer;
  }

  async #ask(text: string, values: readonly unknown[]): Promise<FullAnswer> {
    try {
      if (this.#turn === undefined && !this.#isUnbegun && this.#isPipelined) return await this.#query(text, values);
      return await (await this.#inTurn(() => this.#send(text, values))).answer;
    } catch (error) {
      if (spoilsConnection(error)) this.#isSpoilt = true;
      nameStatement(error, text);
      throw error;
    }
  }

  /** Statements are sent one after the other, in the order in which they were asked. */
  async #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const before = this.#turn;
    const asked = before === undefined ? act() : before.then(act);
    const done = asked.catch(() => undefined);
    this.#turn = done;
    try {
      return await asked;
    } finally {
      if (this.#turn === done) this.#turn = undefined;
    }
  }

  /** Resolves when the next statement may be sent: in a pipeline, before this one is answered, but not before BEGIN is. */
  async #send(text: string, values: readonly unknown[]): Promise<Sent> {
    let begun: Promise<unknown> | undefined;
    if (this.#isUnbegun) {
      this.#isUnbegun = false;
      if (values.every(isPlainNumber)) return whenDone(this.#queryWithBegin(text, values));
      begun = this.#query(this.#beginStatement(), []);
      // A read does no harm if BEGIN fails; what would write waits for it.
      if (!this.#isPipelined || !/^\s*select\b/i.test(text)) await begun;
    }
    const answer = this.#query(text, values);
    if (!this.#isPipelined) return whenDone(answer);
    if (begun === undefined) return { answer };
    // Its failure is that of BEGIN.
    answer.catch(() => undefined);
    await begun;
    return { answer };
  }

  /**
   * Sends BEGIN and a statement at once: most transactions begin with their fence, and each answer waited for costs more
   * than the statement. Two statements at once cannot have bindings, so the numbers are written into it. When BEGIN fails,
   * the server does not run the other.
   */
  #queryWithBegin(text: string, values: readonly number[]): Promise<FullAnswer> {
    const written = text.replace(/\$(\d+)/g, (_, n) => String(values[Number(n) - 1]));
    return this.#query(`${this.#beginStatement()} ${written}`, []);
  }

  /**
   * On a connection whose other end is gone, or forgotten by a firewall, an answer would be waited for until the system
   * gives up: so it may have a limit.
   */
  async #query(text: string, values: readonly unknown[]): Promise<FullAnswer> {
    const { answerMs } = this.#options;
    if (answerMs === undefined) return this.#queryForEver(text, values);
    const timer = setTimeout(() => this.cut(), answerMs);
    try {
      return await this.#queryForEver(text, values);
    } finally {
      clearTimeout(timer);
    }
  }

  async #queryForEver(text: string, values: readonly unknown[]): Promise<FullAnswer> {
    const isNamed = mayBePrepared(text, values) && !this.#options.pooler?.isPerTransaction;
    const name = isNamed ? this.#options.names.get(text) : undefined;
    const statement = { text, values: [...values], ...(name === undefined ? {} : { name }) };
    if (this.#isPipelined) writeOnce(this.#session.socket);
    // Of several statements in one text, the answer of the last counts.
    const answers = (await this.#noteFailure(this.#session.query<Row>(statement))) as
      | QueryResult<Row>
      | QueryResult<Row>[];
    const { rows, rowCount, command } = Array.isArray(answers) ? (answers.at(-1) as QueryResult<Row>) : answers;
    return { rows, count: rowCount ?? 0, command };
  }

  /**
   * After a failure in a transaction the server prepares nothing more, and what was sent meanwhile fails because its statement
   * was not prepared. Only a first failure can show that sessions are mixed up.
   */
  async #noteFailure<T>(answer: Promise<T>): Promise<T> {
    const transaction = this.#transaction;
    try {
      return await answer;
    } catch (error) {
      if (isMixedUp(error) && !transaction?.hasFailed) this.#options.names.stop();
      if (transaction) transaction.hasFailed = true;
      throw error;
    }
  }
}

async function whenDone(answer: Promise<FullAnswer>): Promise<Sent> {
  await answer;
  return { answer };
}

/** Of statements without values only a single read: several at once, and those that are not planned, cannot be prepared. */
function mayBePrepared(text: string, values: readonly unknown[]): boolean {
  return values.length > 0 || (/^\s*(select|with)\b/i.test(text) && !text.includes(";"));
}

function isPlainNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** A pooler that went unnoticed gave our statements' names to another session. */
function isMixedUp(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "26000" || error.code === "42P05");
}
