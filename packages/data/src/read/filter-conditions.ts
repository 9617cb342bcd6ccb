import { errors, type Json } from "@multimaster/core";
import { type Dialect, type Fragment, longest, truncateText } from "@multimaster/database";
import type { AnyResource, Field, Path, ReadContext } from "../model/define-resource.ts";
import { describeField } from "../model/field-kinds.ts";
import type { Filter } from "../model/query.ts";
import { allOf, anyOf, bindParams } from "./select.ts";

/** The conditions of a read: of its path, then of its filters. */
export function conditionsOf(resource: AnyResource, context: ReadContext, path: Path | undefined): Fragment[] {
  const where = context.filters.map((filter) => filterCondition(resource, filter, context.connection.dialect));
  if (path?.where !== undefined) where.unshift(bindParams(path.where, context.params));
  return where;
}

/** The SQL of one filter. */
export function filterCondition(resource: AnyResource, filter: Filter, dialect: Dialect): Fragment {
  const field = resource.fields[filter.field] as Field | undefined;
  if (!field) throw errors.requestInvalid(`no such field '${filter.field}'`);
  const { kind } = describeField(field.schema as never);
  if (kind === "list") return listCondition(field, filter);
  if (field.sql === undefined || field.load) throw errors.requestInvalid(`invalid filter value for ${filter.field}`);
  if (kind === "boolean") return booleanCondition(resource, field, field.sql, filter);
  const isShared = field.isShared === true && filter.values.length > 1;
  return scalarCondition(isShared ? dialect.inOrder(field.sql) : field.sql, filter, dialect);
}

function scalarCondition(sql: string, { operator, values: given }: Filter, dialect: Dialect): Fragment {
  // Converted as for storing: PostgreSQL refuses in comparisons what it refuses in columns.
  const values = given.map((value) => (typeof value === "string" ? truncateText(value, longest.comments) : value));
  switch (operator) {
    case "eq":
    case "in":
      return equalTo(sql, values, dialect);
    case "ne":
    case "notin": {
      // A null is different from every value, as it is in the API's objects; in SQL it would be neither.
      const equal = equalTo(sql, values, dialect);
      return { sql: `${sql} is null or not (${equal.sql})`, bindings: equal.bindings };
    }
    case "contains":
      return anyOf(values.map((value) => dialect.contains(textOf(sql, value), String(value))));
    default: {
      const sign = { lt: "<", le: "<=", gt: ">", ge: ">=" }[operator];
      return allOf(values.map((value) => ({ sql: `${sql} ${sign} ${placeholder(value)}`, bindings: [value] })));
    }
  }
}

function equalTo(sql: string, values: readonly Json[], dialect: Dialect): Fragment {
  const given = values.filter((value) => value !== null);
  const some =
    given.length === 1
      ? { sql: `${sql} = ${placeholder(given[0] as Json)}`, bindings: given }
      : dialect.isOneOf(sql, given as (number | string)[]);
  return given.length === values.length
    ? some
    : anyOf([...(given.length > 0 ? [some] : []), { sql: `${sql} is null`, bindings: [] }]);
}

/** Numbers are compared as 64 bits, so that one beyond the column's range finds nothing instead of failing. */
function placeholder(value: Json): string {
  return typeof value === "number" ? "cast(? as bigint)" : "?";
}

/** A number contains the digits of its text. */
function textOf(sql: string, value: Json): string {
  return typeof value === "number" ? `cast(${sql} as text)` : sql;
}

function booleanCondition(
  resource: AnyResource,
  field: Field,
  sql: string,
  { field: name, operator, values }: Filter,
): Fragment {
  const wanted = (value: boolean): Fragment => {
    const extra = resource.filters?.[name]?.(value);
    const own = value ? sql : (field.whenFalse ?? `not (${sql})`);
    return { sql: extra === undefined ? own : `(${own}) and (${extra})`, bindings: [] };
  };
  const numbers = values.map((value) => Number(value));
  const isWanted = (value: boolean): boolean => {
    const n = Number(value);
    switch (operator) {
      case "eq":
      case "in":
      case "contains":
        return numbers.includes(n);
      case "ne":
      case "notin":
        return !numbers.includes(n);
      case "lt":
        return numbers.every((other) => n < other);
      case "le":
        return numbers.every((other) => n <= other);
      case "gt":
        return numbers.every((other) => n > other);
      case "ge":
        return numbers.every((other) => n >= other);
    }
  };
  return anyOf([true, false].filter(isWanted).map(wanted));
}

function listCondition(field: Field, { field: name, operator, values }: Filter): Fragment {
  if (operator === "contains" && field.contains !== undefined) {
    const contains = field.contains;
    return anyOf(
      values.map((value) => ({ sql: contains.replace("= ?", `= ${placeholder(value)}`), bindings: [value] })),
    );
  }
  // A list equals no single value.
  if (operator === "eq" || operator === "in") return anyOf([]);
  if (operator === "ne" || operator === "notin") return allOf([]);
  throw errors.requestInvalid(`invalid filter value for ${name}`);
}
