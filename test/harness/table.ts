import { type Connection, execute, queryRows, type Row } from "@multimaster/database";

/** Reads and writes rows of one table as tests want them, past the stores. */
export function table(connection: Connection, name: string): TestTable {
  return new TestTable(connection, name);
}

class TestTable {
  readonly #connection: Connection;
  readonly #name: string;
  #where: Row = {};
  #order = "";

  constructor(connection: Connection, name: string) {
    this.#connection = connection;
    this.#name = name;
  }

  /** Only rows that have these values. */
  where(values: Row): this {
    this.#where = values;
    return this;
  }

  orderBy(column: string): this {
    this.#order = ` order by ${column}`;
    return this;
  }

  /** The rows, with these columns or all. */
  select<R extends object = Row>(...columns: string[]): Promise<R[]> {
    const named = columns.length > 0 ? columns.join(", ") : "*";
    const sql = `select ${named} from ${this.#name}${this.#condition()}${this.#order}`;
    return queryRows<R>(this.#connection, sql, Object.values(this.#where));
  }

  async first<R extends object = Row>(): Promise<R> {
    const [row] = await this.select<R>();
    return row as R;
  }

  /** Inserts rows that have the same columns; returns them as they are stored. */
  insert<R extends object = Row>(...rows: Row[]): Promise<R[]> {
    const columns = Object.keys(rows[0] as Row);
    const tuple = `(${columns.map(() => "?").join(", ")})`;
    const sql = `insert into ${this.#name} (${columns.join(", ")}) values ${rows.map(() => tuple).join(", ")} returning *`;
    return queryRows<R>(this.#connection, sql, rows.flatMap(Object.values));
  }

  /** Inserts a row; returns its id. */
  async insertOne(row: Row): Promise<number> {
    const [stored] = await this.insert<{ id: number }>(row);
    return (stored as { id: number }).id;
  }

  delete(): Promise<number> {
    return execute(this.#connection, `delete from ${this.#name}${this.#condition()}`, Object.values(this.#where));
  }

  #condition(): string {
    const terms = Object.keys(this.#where).map((column) => `${column} = ?`);
    return terms.length === 0 ? "" : ` where ${terms.join(" and ")}`;
  }
}
