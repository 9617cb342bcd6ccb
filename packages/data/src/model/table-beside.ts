/**
 * A table of our own beside Buildbot's table of a noun: its primary key `key` is the object's id, so it has one row for an
 * object or none. To add a field that Buildbot's schema lacks: a migration adds the table, the store of the noun writes it, and the
 * field names it in its resource: `{ schema: text.nullable(), ...columnOf(scores, "score") }`.
 */
export interface TableBeside {
  readonly name: string;
  readonly key: string;
}

/** As much of a field as says what it reads. */
interface ReadField {
  readonly sql?: string;
  readonly beside?: TableBeside;
}

/** A field that is a column of such a table; null where the table has no row for the object. */
export function columnOf(beside: TableBeside, column: string): Required<ReadField> & { readonly isOwn: true } {
  return { sql: `${beside.name}.${column}`, beside, isOwn: true };
}

/** The from clause of a resource, with the tables that its fields read beside it. */
export function joinTablesBeside(from: string, id: string, fields: Readonly<Record<string, ReadField>>): string {
  const tables = new Map(
    Object.values(fields).flatMap(({ beside }) => (beside ? [[beside.name, beside] as const] : [])),
  );
  const idSql = fields[id]?.sql;
  if (tables.size > 0 && idSql === undefined) throw new TypeError(`${id} is no column that a table could be joined by`);
  return [from, ...[...tables.values()].map(({ name, key }) => `left join ${name} on ${name}.${key} = ${idSql}`)].join(
    " ",
  );
}
