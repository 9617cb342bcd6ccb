import { append } from "@multimaster/core";
import { type Fragment, neverNull, queryRows, quote, writeSelect } from "@multimaster/database";
import type { AnyResource, Field, ReadContext } from "../model/define-resource.ts";
import { describeField } from "../model/field-kinds.ts";
import type { Query } from "../model/query.ts";
import { totalOf } from "./count-total.ts";
import { conditionsOf } from "./filter-conditions.ts";
import { replacePieces } from "./property-pieces.ts";
import { columnSql, contextOf, fieldsOf, type ReadScope, selectOf } from "./read-items.ts";

/** A list whose objects the database has written as JSON. */
export interface JsonRows {
  /** The objects, with commas between them. */
  readonly json: string;
  readonly count: number;
  readonly total: number;
}

/**
 * Reads a list as JSON text that the database puts together: its rows never become objects here. Undefined if this database
 * does not, or if a field needs more than SQL.
 */
export async function findJson(
  resource: AnyResource,
  connection: ReadContext["connection"],
  query: Query,
  scope: ReadScope,
): Promise<JsonRows | undefined> {
  const context = contextOf(connection, query, scope);
  if (!connection.dialect.jsonOf || resource.from === undefined || scope.path?.rows || query.limit === 0)
    return undefined;
  const object = writeObject(resource, context, query);
  if (!object) return undefined;
  const rows = writeSelect(
    connection.dialect,
    selectOf(resource, context, conditionsOf(resource, context, scope.path), query),
  );
  // The inner select stays what it is without JSON: its plan, and that no row beyond the limit is written as JSON.
  const [answer] = await queryRows<{ json: string | null; count: number }>(
    connection,
    `select string_agg(${object.sql}, ',') as json, count(*) as count from (${rows.sql}) t`,
    [...object.bindings, ...rows.bindings],
  );
  const { json, count } = answer as { json: string | null; count: number };
  const total = await totalOf({ resource, context, path: scope.path }, query, count, scope.count);
  return { json: replacePieces(json ?? ""), count, total };
}

/** SQL of the JSON text of one row `t`, its keys in order. */
export function writeObject(resource: AnyResource, context: ReadContext, query: Query): Fragment | undefined {
  if (!context.connection.dialect.jsonOf || resource.from === undefined) return undefined;
  const isNeverNull = neverNull(resource.from as string);
  const fields = fieldsOf(resource, query).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const bindings: unknown[] = [];
  let sql = "";
  for (const [i, [name, field]] of fields.entries()) {
    const value = writeValue(name, field, context, isNeverNull(columnSql(field)));
    if (!value) return undefined;
    append(bindings, value.bindings);
    sql += `${i === 0 ? "'{" : " || ',"}${JSON.stringify(name)}:' || ${value.sql}`;
  }
  return sql === "" ? undefined : { sql: `${sql} || '}'`, bindings };
}

function writeValue(name: string, field: Field, context: ReadContext, isNeverNull: boolean): Fragment | undefined {
  const column = `t.${quote(name)}`;
  if (field.load) return field.json?.(context, column);
  if (field.read || field.sql === undefined) return undefined;
  const plain = (sql: string) => ({ sql: isNeverNull ? sql : `coalesce(${sql}, 'null')`, bindings: [] });
  switch (describeField(field.schema as never).kind) {
    case "integer":
    case "datetime":
      return plain(`cast(${column} as text)`);
    case "boolean":
      return { sql: `case ${column} when 1 then 'true' else 'false' end`, bindings: [] };
    case "string":
    case "identifier":
      return context.connection.dialect.jsonOf && plain(context.connection.dialect.jsonOf(column));
    default:
      return undefined;
  }
}
