import { errors } from "@multimaster/core";
import { type Connection, type Fragment, queryRows, type Row } from "@multimaster/database";
import type { AnyResource, Field, Item, Path, ReadContext } from "./define-resource.ts";
import { describeField } from "./field-kinds.ts";
import { filterCondition } from "./filter-conditions.ts";
import { queryList } from "./query-list.ts";
import type { Query } from "./query.ts";
import { allOf, bindParams } from "./select.ts";

/** A list and how long it would be without limit and offset. */
export interface Found<T> {
  readonly rows: T[];
  readonly total: number;
}

/** Where and with what to read; both absent for a read of everything a resource has. */
export interface Place {
  readonly path?: Path;
  readonly params?: ReadContext["params"];
}

/** Reads a list: filtered, ordered and cut in SQL, then related fields in one query per field. */
export async function findItems<R extends AnyResource>(
  resource: R,
  connection: Connection,
  query: Query = {},
  place: Place = {},
): Promise<Found<Item<R>> | undefined> {
  const context: ReadContext = {
    connection,
    params: place.params ?? {},
    properties: query.properties,
    filters: query.filters ?? [],
  };
  if (resource.rows) {
    const rows = await resource.rows(context);
    return rows && (queryList(resource, rows as Parameters<typeof queryList>[1], query) as Found<Item<R>>);
  }
  const conditions = context.filters.map((filter) => filterCondition(resource, filter, connection.dialect));
  if (place.path?.where !== undefined) conditions.unshift(bindParams(place.path.where, context.params));
  const where = allOf(conditions);
  const rows = query.limit === 0 ? [] : await selectItems(resource, context, where, query);
  const cut = query.limit !== undefined || query.offset !== undefined;
  // A page that was not filled ends the list, so only full and empty pages need the count.
  const known = rows.length > 0 && (query.limit === undefined || rows.length < query.limit);
  const total = !cut || known ? rows.length + (query.offset ?? 0) : await countItems(resource, connection, where);
  return { rows: rows as Item<R>[], total };
}

/** One object by its id, or undefined. */
export async function getItem<R extends AnyResource>(resource: R, connection: Connection, id: number | string): Promise<Item<R> | undefined> {
  const found = await findItems(resource, connection, { filters: [{ field: resource.id, operator: "eq", values: [id] }] });
  return found?.rows[0];
}

/** Objects by id: what resources use that nest others. */
export async function loadItems<R extends AnyResource>(
  resource: R,
  context: ReadContext,
  ids: readonly number[],
): Promise<Map<number, Item<R>>> {
  const idSql = (resource.fields[resource.id] as Field).sql as string;
  const rows = await selectItems(resource, context, context.connection.dialect.isOneOf(idSql, ids), {});
  return new Map(rows.map((row) => [row[resource.id] as number, row as Item<R>]));
}

async function countItems(resource: AnyResource, connection: Connection, where: Fragment): Promise<number> {
  const [row] = await queryRows<{ n: number | string }>(
    connection,
    `select count(*) as n from ${resource.from} where ${where.sql}`,
    where.bindings,
  );
  return Number(row?.n ?? 0);
}

async function selectItems(
  resource: AnyResource,
  context: ReadContext,
  where: Fragment,
  query: Pick<Query, "fields" | "order" | "limit" | "offset">,
): Promise<Row[]> {
  const fields = selectedFields(resource, query.fields);
  const columns = fields.filter(([, field]) => field.sql !== undefined).map(([name, field]) => `${columnSql(field)} as "${name}"`);
  const bindings = [...where.bindings];
  let sql = `select ${columns.join(", ") || "1 as nothing"} from ${resource.from} where ${where.sql}`;
  sql += ` order by ${orderSql(resource, query.order ?? [], context.connection)}`;
  if (query.limit !== undefined || query.offset !== undefined) {
    sql += " limit ? offset ?";
    bindings.push(Math.min(query.limit ?? maxRows, maxRows), Math.min(query.offset ?? 0, maxRows));
  }
  const rows = await queryRows(context.connection, sql, bindings);
  const items = rows.map((row) => mapRow(fields, row, context));
  for (const [name, field] of fields) if (field.load) await fillRelated(name, field, rows, items, context);
  return items;
}

const maxRows = 2 ** 31 - 1;

function selectedFields(resource: AnyResource, wanted: readonly string[] | undefined): [string, Field][] {
  const all = Object.entries<Field>(resource.fields);
  return wanted ? all.filter(([name]) => wanted.includes(name)) : all;
}

function columnSql(field: Field): string {
  const boolean = describeField(field.schema as never).kind === "boolean" && !field.load;
  return boolean ? `case when ${field.sql} then 1 else 0 end` : (field.sql as string);
}

function orderSql(resource: AnyResource, wanted: readonly string[], { dialect }: Connection): string {
  const parts: string[] = [];
  const seen = new Set<string>();
  for (const item of [...wanted, ...(resource.order ?? [resource.id])]) {
    const name = item.replace(/^-/, "");
    if (seen.has(name)) continue;
    seen.add(name);
    const field = resource.fields[name] as Field | undefined;
    if (!field) throw errors.requestInvalid(`no such field '${name}'`);
    const { kind, nullable } = describeField(field.schema as never);
    if (field.sql === undefined || field.load || kind === "list" || kind === "jsonobject") {
      throw errors.requestInvalid(`cannot order on field '${name}'`);
    }
    const descending = item.startsWith("-");
    // Where nulls go is only said where there may be some: PostgreSQL's indexes do not serve the other spelling.
    if (nullable) parts.push(field.sql + (descending ? dialect.descending : dialect.ascending));
    else parts.push((kind === "boolean" ? columnSql(field) : field.sql) + (descending ? " desc" : ""));
  }
  return parts.join(", ");
}

function mapRow(fields: readonly [string, Field][], row: Row, context: ReadContext): Row {
  const item: Row = {};
  for (const [name, field] of fields) {
    if (field.load) item[name] = field.empty ?? null;
    else if (field.read) item[name] = field.read(row[name], context);
    else if (field.sql === undefined) item[name] = field.empty ?? null;
    else if (describeField(field.schema as never).kind === "boolean") item[name] = Boolean(row[name]);
    else item[name] = row[name] ?? null;
  }
  return item;
}

async function fillRelated(
  name: string,
  field: Field,
  rows: readonly Row[],
  items: readonly Row[],
  context: ReadContext,
): Promise<void> {
  const keys = new Set<number>();
  for (const row of rows) if (typeof row[name] === "number") keys.add(row[name]);
  if (keys.size === 0 || !field.load) return;
  const values = await field.load(context, [...keys]);
  items.forEach((item, i) => {
    const value = values.get(rows[i]?.[name] as number);
    if (value !== undefined) item[name] = value;
  });
}
