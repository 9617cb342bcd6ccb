import type { Sql } from "../sql.ts";
import type { DatabaseTrouble } from "./trouble.ts";

/** A piece of SQL with its `?` bindings. */
export interface Fragment {
  sql: string;
  bindings: readonly unknown[];
}

/** Everything the two engines do differently, named once. No one else asks which engine it is. */
export interface Dialect {
  readonly name: "sqlite" | "postgresql";
  /** SQL: the database's clock, epoch seconds with fractions. It moves within a transaction. Leases go by it. */
  readonly now: string;
  /** SQL: the database's clock in whole epoch seconds, as Buildbot's columns have it. */
  readonly nowSeconds: string;
  /** SQL: since when the database could be asked, epoch seconds; 0 where no server has to run. */
  readonly upSince: string;
  /** SQL after a select: locks its rows against every change and every `keyShareLock`. */
  readonly updateLock: string;
  /** SQL after a select: locks its rows against change, but not against rows that refer to them by foreign key. */
  readonly noKeyUpdateLock: string;
  /** SQL after a lock: rows that are locked by others are left out instead of waited for. */
  readonly skipLocked: string;
  /** SQL after a select: keeps others from changing its rows, but not from the same lock. */
  readonly shareLock: string;
  /** SQL after a select: keeps others from `updateLock` on its rows, but not from updating columns outside keys. */
  readonly keyShareLock: string;
  /** SQL: ascending order that puts nulls first on both engines, to be used after a column. */
  readonly ascending: string;
  /** SQL: descending order that puts nulls last on both engines. */
  readonly descending: string;
  /** A condition: the value of `expression` is one of `values`, which may be many (one binding) or none (false). */
  isOneOf(expression: string, values: readonly (number | string)[]): Fragment;
  /**
   * SQL of a relation of these rows, to be named as `with v(COLUMNS) as (…)`: the same text however many rows there are.
   * One type for each column.
   */
  rowsOf(types: readonly ("integer" | "text")[], rows: readonly (readonly (number | string | null)[])[]): Fragment;
  /** The expression where a condition on it is to be judged row by row in the wanted order, not looked up and then sorted. */
  inOrder(expression: string): string;
  /** A condition: the text of `expression` contains `text`, upper and lower case told apart. */
  contains(expression: string, text: string): Fragment;
  /** SQL: the JSON text of a text. Absent: this engine does not write the JSON of answers. */
  jsonOf?(expression: string): string;
  /** Column types as DDL wants them. */
  columnType(type: "serial" | "integer" | "smallint" | "double" | "text" | "bytes" | { varchar: number }): string;
  /** SQL of a transaction that fails where the disk is full, although no row of it needs new space. */
  readonly spaceProbe: readonly string[];
  /** Waits for, and holds to the end of the transaction, a lock of this name over all masters of the database. */
  lockName(tx: { readonly sql: Sql }, name: string): Promise<void>;
  /** Was this error a violation of a unique index or primary key? */
  isUniqueViolation(error: unknown): boolean;
  /** Did the referred row not exist? */
  isForeignKeyViolation(error: unknown): boolean;
  /** Is it worth trying the same transaction again? */
  isRetryable(error: unknown): boolean;
  /**
   * What is wrong with the database, if not the statement is at fault, however deep that lies under the error: the same
   * may succeed later. Only what is known to be the statement's fault is that; what no one has thought of is not.
   */
  findTrouble(error: unknown): DatabaseTrouble | undefined;
  /** Whether `findTrouble` finds anything. */
  isAway(error: unknown): boolean;
}
