import { PostgresqlSession } from "@multimaster/database";
import { vi } from "vitest";
import { SqliteConnection } from "../../packages/database/src/connections/sqlite-connection.ts";
import type { Engine } from "./test-databases.ts";

/** What a database refuses with; each statement that fails gets the next one. */
export const refusals: Record<Engine, readonly (readonly [code: string, message: string])[]> = {
  postgresql: [
    ["25006", "cannot execute SELECT FOR KEY SHARE in a read-only transaction"],
    ["57014", "canceling statement due to statement timeout"],
    ["28000", 'role "ci" is not permitted to log in'],
    ["28P01", 'password authentication failed for user "ci"'],
    ["3D000", 'database "ci" does not exist'],
    ["42501", "permission denied for table builds"],
    ["42P01", 'relation "builds" does not exist'],
    ["P0001", "frozen by the administrator"],
    ["53100", "could not extend file: No space left on device"],
    ["53300", "sorry, too many clients already"],
    ["55000", 'database "ci" is not currently accepting connections'],
    ["55P03", "canceling statement due to lock timeout"],
    ["58030", "could not read block 3 of relation base/1/2: Input/output error"],
    ["58P01", "could not open file: No such file or directory"],
    ["57P01", "terminating connection due to administrator command"],
    ["08P01", "server login has been failing, try again later (server_login_retry)"],
    ["26000", 'prepared statement "mm4" does not exist'],
    ["42P05", 'prepared statement "mm8" already exists'],
    ["XX000", "cache lookup failed for relation 4711"],
  ],
  sqlite: [
    ["SQLITE_FULL", "database or disk is full"],
    ["SQLITE_IOERR_WRITE", "disk I/O error"],
    ["SQLITE_READONLY", "attempt to write a readonly database"],
    ["SQLITE_CANTOPEN", "unable to open database file"],
    ["SQLITE_BUSY", "database is locked"],
    ["SQLITE_PROTOCOL", "locking protocol"],
    ["SQLITE_NOMEM", "out of memory"],
  ],
};

/** Makes statements fail as they leave for the database: those that match, or all. Ended by `vi.restoreAllMocks()`. */
export class DatabaseRefusals {
  #refusals: readonly (readonly [string, string])[] = [];
  #statements = /./;
  #next = 0;
  /** Codes that some statement has met since `refuse`. */
  readonly met = new Set<string>();

  constructor(engine: Engine) {
    const take = (sql: string) => this.#take(sql);
    if (engine === "postgresql") {
      const real = PostgresqlSession.prototype.query as (...args: unknown[]) => unknown;
      vi.spyOn(PostgresqlSession.prototype, "query").mockImplementation(function (this: unknown, ...args: unknown[]) {
        const [asked] = args as [string | { text: string }];
        // With a callback the driver asks for itself.
        const error =
          typeof args.at(-1) === "function" ? undefined : take(typeof asked === "string" ? asked : asked.text);
        return error ? Promise.reject(error) : real.apply(this, args);
      } as never);
    } else {
      const real = SqliteConnection.prototype.run;
      vi.spyOn(SqliteConnection.prototype, "run").mockImplementation(function (this: SqliteConnection, sql, bindings) {
        const error = take(sql);
        return error ? Promise.reject(error) : real.call(this, sql, bindings);
      });
    }
  }

  refuse(refusals: readonly (readonly [string, string])[], statements = /./): void {
    this.met.clear();
    this.#refusals = refusals;
    this.#statements = statements;
  }

  end(): void {
    this.#refusals = [];
  }

  #take(sql: string): Error | undefined {
    // Rolling back needs no database that takes anything.
    if (this.#refusals.length === 0 || /^rollback/i.test(sql) || !this.#statements.test(sql)) return undefined;
    const [code, message] = this.#refusals[this.#next++ % this.#refusals.length] as [string, string];
    this.met.add(code);
    return Object.assign(new Error(message), { code });
  }
}
