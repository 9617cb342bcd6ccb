export type ColumnType = "serial" | "integer" | "smallint" | "double" | "text" | "bytes" | { varchar: number };

export interface Reference {
  table: string;
  column: string;
  onDelete: "cascade" | "set null";
}

export interface ColumnFacts {
  type: ColumnType;
  nullable: boolean;
  primary: boolean;
  /** SQL literal. */
  default?: string;
  references?: Reference;
}

/** A column being declared; every call returns a new one, so `integer` can be shared by all tables. */
export class Column {
  readonly facts: ColumnFacts;

  constructor(facts: ColumnFacts) {
    this.facts = facts;
  }

  nullable(): Column {
    return new Column({ ...this.facts, nullable: true });
  }

  primary(): Column {
    return new Column({ ...this.facts, primary: true });
  }

  default(literal: string): Column {
    return new Column({ ...this.facts, default: literal });
  }

  /** A foreign key, written `table.column`. Rows go with the row they refer to unless said otherwise. */
  references(target: `${string}.${string}`, onDelete: Reference["onDelete"] = "cascade"): Column {
    const [table, column] = target.split(".") as [string, string];
    return new Column({ ...this.facts, references: { table, column, onDelete } });
  }
}

const column = (type: ColumnType): Column => new Column({ type, nullable: false, primary: false });

/** An integer primary key that the database counts up. */
export const serial = column("serial").primary();
export const integer = column("integer");
export const smallint = column("smallint");
export const double = column("double");
export const text = column("text");
export const bytes = column("bytes");
export const varchar = (length: number): Column => column({ varchar: length });

export interface Index {
  name: string;
  /** Column names, or for our own indexes any index expression such as `priority desc`, `complete_at nulls first`. */
  columns: readonly string[];
  unique: boolean;
  /** SQL condition of a partial index. */
  where?: string;
}

export interface Table {
  name: string;
  columns: Readonly<Record<string, Column>>;
  indexes: readonly Index[];
}

export function table(name: string, columns: Record<string, Column>, ...indexes: Index[]): Table {
  return { name, columns, indexes };
}

export const index = (name: string, ...columns: string[]): Index => ({ name, columns, unique: false });
export const unique = (name: string, ...columns: string[]): Index => ({ name, columns, unique: true });
