import { errors } from "@multimaster/core";
import { type Connection, type Fragment, type Order, type Row, type Select, selectRows } from "@multimaster/database";
import type { AnyResource, Field, Item, Path, ReadContext } from "../model/define-resource.ts";
import { describeField } from "../model/field-kinds.ts";
import type { Found, Query } from "../model/query.ts";
import { type CountTotal, totalOf } from "./count-total.ts";
import { conditionsOf } from "./filter-conditions.ts";
import { queryList } from "./query-list.ts";

/** The path of a read and its parameters; without a path, everything that a resource has is read. */
export interface ReadScope {
  readonly path?: Path;
  readonly params?: ReadContext["params"];
  readonly bus?: ReadContext["bus"];
  readonly writes?: ReadContext["writes"];
  /** Counts what a limit cuts off; default: by counting rows. */
  readonly count?: CountTotal;
}

/** Reads a list: filtered, ordered and cut in SQL, then related fields in one query per field. */
export async function findItems<R extends AnyResource>(
  resource: R,
  connection: Connection,
  query: Query = {},
  scope: ReadScope = {},
): Promise<Found<Item<R>> | undefined> {
  const context = contextOf(connection, query, scope);
  const makeRows = scope.path?.rows ?? resource.rows;
  if (makeRows) {
    const rows = await makeRows(context);
    return rows && (queryList(resource, rows as Parameters<typeof queryList>[1], query) as Found<Item<R>>);
  }
  const where = conditionsOf(resource, context, scope.path);
  const rows = query.limit === 0 ? [] : await selectItems(resource, context, where, query);
  const total = await totalOf({ resource, context, path: scope.path }, query, rows.length, scope.count);
  return { rows: rows as Item<R>[], total };
}

export function contextOf(connection: Connection, query: Query, scope: ReadScope): ReadContext {
  return {
    connection,
    params: scope.params ?? {},
    properties: query.properties,
    filters: query.filters ?? [],
    ...(scope.bus ? { bus: scope.bus } : {}),
    ...(scope.path ? { pathKind: scope.path.kind } : {}),
    ...(scope.writes ? { writes: scope.writes } : {}),
  };
}

/** Returns one object by its id, or undefined. */
export async function getItem<R extends AnyResource>(
  resource: R,
  connection: Connection,
  id: number | string,
): Promise<Item<R> | undefined> {
  const found = await findItems(resource, connection, {
    filters: [{ field: resource.id, operator: "eq", values: [id] }],
  });
  return found?.rows[0];
}

/** Returns objects by id, for resources that nest them. */
export async function loadItems<R extends AnyResource>(
  resource: R,
  context: ReadContext,
  ids: readonly number[],
): Promise<Map<number, Item<R>>> {
  const idSql = (resource.fields[resource.id] as Field).sql as string;
  return loadWhere(resource, context, context.connection.dialect.isOneOf(idSql, ids));
}

/** Returns the objects for which a condition is true, by id and in the resource's order. */
export async function loadWhere<R extends AnyResource>(
  resource: R,
  context: ReadContext,
  where: Fragment,
): Promise<Map<number, Item<R>>> {
  const rows = await selectItems(resource, context, [where], {});
  return new Map(rows.map((row) => [row[resource.id] as number, row as Item<R>]));
}

async function selectItems(
  resource: AnyResource,
  context: ReadContext,
  where: readonly Fragment[],
  query: RowsQuery,
): Promise<Row[]> {
  const fields = fieldsOf(resource, query);
  const rows = await selectRows(context.connection, selectOf(resource, context, where, query));
  const items = rows.map((row) => mapRow(fields, row, context));
  await Promise.all(fields.map(([name, field]) => field.load && fillRelated(name, field, rows, items, context)));
  return items;
}

/** What decides which rows are read, and how much of them. */
export type RowsQuery = Pick<Query, "fields" | "order" | "limit" | "offset">;

/** The fields of each object of an answer. */
export function fieldsOf(resource: AnyResource, { fields }: RowsQuery): [string, Field][] {
  return Object.entries<Field>(resource.fields).filter(([name]) => fields?.includes(name) ?? true);
}

/** The rows of a read, with a column for each field that has SQL. */
export function selectOf(
  resource: AnyResource,
  context: ReadContext,
  where: readonly Fragment[],
  query: RowsQuery,
): Select {
  const columns = fieldsOf(resource, query)
    .filter(([, field]) => field.sql !== undefined)
    .map(([name, field]) => [name, (context.pathKind === "collection" && field.sqlInLists) || columnSql(field)]);
  return {
    from: resource.from as string,
    columns: Object.fromEntries(columns.length > 0 ? columns : [["nothing", "1"]]),
    where,
    order: orderBy(resource, query.order ?? []),
    ...(query.limit === undefined ? {} : { limit: Math.min(query.limit, maxRows) }),
    ...(query.offset === undefined ? {} : { offset: Math.min(query.offset, maxRows) }),
  };
}

const maxRows = 2 ** 31 - 1;

export function columnSql(field: Field): string {
  const boolean = describeField(field.schema as never).kind === "boolean" && !field.load;
  return boolean ? `case when ${field.sql} then 1 else 0 end` : (field.sql as string);
}

function orderBy(resource: AnyResource, wanted: readonly string[]): Order[] {
  const order: Order[] = [];
  const seen = new Set<string>();
  for (const item of [...wanted, ...(resource.order ?? [resource.id])]) {
    const name = item.replace(/^-/, "");
    if (seen.has(name)) continue;
    seen.add(name);
    const field = resource.fields[name] as Field | undefined;
    if (!field) throw errors.requestInvalid(`no such field '${name}'`);
    const { kind } = describeField(field.schema as never);
    if (field.sql === undefined || field.load || kind === "list" || kind === "jsonobject") {
      throw errors.requestInvalid(`cannot order on field '${name}'`);
    }
    order.push({ column: columnSql(field), descending: item.startsWith("-") });
    // Anything after the unique id has no effect.
    if (name === resource.id) break;
  }
  return order;
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
