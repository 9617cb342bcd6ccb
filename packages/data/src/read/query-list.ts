import type { Json } from "@multimaster/core";
import type { AnyResource } from "../model/define-resource.ts";
import type { Filter, Found, Query } from "../model/query.ts";

type Item = Readonly<Record<string, Json>>;

/** Applies a query to a short list that is not a table, with the same meaning as in SQL: nulls first. */
export function queryList(resource: AnyResource, items: readonly Item[], query: Query): Found<Item> {
  const matching = items.filter((item) =>
    (query.filters ?? []).every((filter) => matchesFilter(item[filter.field] ?? null, filter)),
  );
  const order = query.order ?? [];
  const sorted = order.length === 0 ? matching : matching.toSorted((a, b) => compareItems(a, b, order));
  const offset = query.offset ?? 0;
  const page = sorted.slice(offset, query.limit === undefined ? undefined : offset + query.limit);
  const { fields } = query;
  const rows = fields
    ? page.map((item) =>
        Object.fromEntries(Object.entries(item).filter(([name]) => fields.includes(name) && name in resource.fields)),
      )
    : page;
  return { rows, total: matching.length };
}

function compareItems(a: Item, b: Item, order: readonly string[]): number {
  for (const item of order) {
    const name = item.replace(/^-/, "");
    const difference = compareValues(a[name] ?? null, b[name] ?? null);
    if (difference !== 0) return item.startsWith("-") ? -difference : difference;
  }
  return 0;
}

function compareValues(a: Json, b: Json): number {
  if (a === b) return 0;
  if (a === null) return -1;
  if (b === null) return 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

function matchesFilter(value: Json, { operator, values }: Filter): boolean {
  switch (operator) {
    case "eq":
    case "in":
      return values.includes(value);
    case "ne":
    case "notin":
      return !values.includes(value);
    case "contains":
      return values.some((other) =>
        Array.isArray(value) ? value.includes(other) : String(value ?? "").includes(String(other)),
      );
    case "lt":
      return value !== null && values.every((other) => compareValues(value, other) < 0);
    case "le":
      return value !== null && values.every((other) => compareValues(value, other) <= 0);
    case "gt":
      return value !== null && values.every((other) => compareValues(value, other) > 0);
    case "ge":
      return value !== null && values.every((other) => compareValues(value, other) >= 0);
  }
}
