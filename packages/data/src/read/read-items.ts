import { errors } from "@multimaster/core";
import { type Connection, countRows, type Fragment, type Order, type Row, selectRows } from "@multimaster/database";
import type { AnyResource, Field, Item, Path, ReadContext } from "../model/define-resource.ts";
import { describeField } from "../model/field-kinds.ts";
import type { Found, Query } from "../model/query.ts";
import { filterCondition } from "./filter-conditions.ts";
import { queryList } from "./query-list.ts";
import { bindParams } from "./select.ts";

/** The path of a read and its parameters; without a path, everything that a resource has is read. */
export interface ReadScope {
  readonly path?: Path;
  readonly params?: ReadContext["params"];
  readonly bus?: ReadContext["bus"];
  readonly writes?: ReadContext["writes"];
}

/** Reads a list: filtered, ordered and cut in SQL, then related fields in one query per field. */
export async function findItems<R extends AnyResource>(
  resource: R,
  connection: Connection,
  query: Query = {},
  scope: ReadScope = {},
): Promise<Found<Item<R>> | undefined> {
  const context: ReadContext = {
    connection,
    params: scope.params ?? {},
    properties: query.properties,
    filters: query.filters ?? [],
    ...(scope.bus ? { bus: scope.bus } : {}),
    ...(scope.path ? { pathKind: scope.path.kind } : {}),
    ...(scope.writes ? { writes: scope.writes } : {}),
  };
  const makeRows = scope.path?.rows ?? resource.rows;
  if (makeRows) {
    const rows = await makeRows(context);
    return rows && (queryList(resource, rows as Parameters<typeof queryList>[1], query) as Found<Item<R>>);
  }
  const where = context.filters.map((filter) => filterCondition(resource, filter, connection.dialect));
  if (scope.path?.where !== undefined) where.unshift(bindParams(scope.path.where, context.params));
  const rows = query.limit === 0 ? [] : await selectItems(resource, context, where, query);
  const cut = query.limit !== undefined || query.offset !== undefined;
  // A page that was not filled ends the list, so only full and empty pages need the count.
  const known = rows.length > 0 && (query.limit === undefined || rows.length < query.limit);
  const read = rows.length + (rows.length > 0 ? (query.offset ?? 0) : 0);
  if (!cut || known || query.countTo === 0) return { rows: rows as Item<R>[], total: read };
  const all = { from: resource.from as string, columns: {}, where };
  // At least one more than was read, if there is one: a client that reads pages up to the total sees that there is more.
  const counted = await countRows(connection, all, Math.max(query.countTo ?? maxCounted, read + 1));
  return { rows: rows as Item<R>[], total: Math.max(counted, read) };
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
  const rows = await selectItems(resource, context, [context.connection.dialect.isOneOf(idSql, ids)], {});
  return new Map(rows.map((row) => [row[resource.id] as number, row as Item<R>]));
}

async function selectItems(
  resource: AnyResource,
  context: ReadContext,
  where: readonly Fragment[],
  query: Pick<Query, "fields" | "order" | "limit" | "offset">,
): Promise<Row[]> {
  const fields = Object.entries<Field>(resource.fields).filter(([name]) => query.fields?.includes(name) ?? true);
  const columns = fields
    .filter(([, field]) => field.sql !== undefined)
    .map(([name, field]) => [name, (context.pathKind === "collection" && field.sqlInLists) || columnSql(field)]);
  const rows = await selectRows(context.connection, {
    from: resource.from as string,
    columns: Object.fromEntries(columns.length > 0 ? columns : [["nothing", "1"]]),
    where,
    order: orderBy(resource, query.order ?? []),
    ...(query.limit === undefined ? {} : { limit: Math.min(query.limit, maxRows) }),
    ...(query.offset === undefined ? {} : { offset: Math.min(query.offset, maxRows) }),
  });
  const items = rows.map((row) => mapRow(fields, row, context));
  for (const [name, field] of fields) if (field.load) await fillRelated(name, field, rows, items, context);
  return items;
}

const maxRows = 2 ** 31 - 1;

/** Counting ten million builds takes longer than showing fifty: a total says no more than "at least so many". */
const maxCounted = 10_000;

function columnSql(field: Field): string {
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
