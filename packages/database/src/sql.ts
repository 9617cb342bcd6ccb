/** One row as the driver returns it, by column name. */
export type Row = Record<string, unknown>;

/** What a statement came to. */
export interface Answer {
  /** Rows of a select, or what a `returning` names. */
  readonly rows: readonly Row[];
  /** The number of rows returned or changed. */
  readonly count: number;
}

/** Runs statements: over any connection of the database, or over the one of a transaction. */
export interface Sql {
  /** Runs one statement with `?` bindings. Stores use `queryRows` and `execute`. */
  run(statement: string, bindings?: readonly unknown[]): Promise<Answer>;
}

/** A value of an inserted row that the database computes, such as its clock. */
export class SqlExpression {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}
