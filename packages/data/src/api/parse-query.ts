import { append, errors, type Json } from "@multimaster/core";
import type { AnyResource, Field, Path } from "../model/define-resource.ts";
import { describeField, type FieldDescription, isIdentifier } from "../model/field-kinds.ts";
import type { Filter, Operator, Query } from "../model/query.ts";

const operators = new Set<string>(["eq", "ne", "lt", "le", "gt", "ge", "contains", "in", "notin"] satisfies Operator[]);
const ofSeveral = new Set<string>(["eq", "ne", "contains", "in", "notin"] satisfies Operator[]);

/** Reads the parameters of a GET (docs/spec/data-api.md §1). Error messages are those that clients expect. */
export function parseQuery(search: URLSearchParams, resource: AnyResource, path: Path): Query {
  const filters: Filter[] = [];
  let order: string[] | undefined;
  const query: { -readonly [K in keyof Query]: Query[K] } = {};
  for (const name of new Set(search.keys())) {
    const values = search.getAll(name);
    if (name === "field") query.fields = values.map((field) => checkField(resource, field));
    else if (name === "order") order = values.map((item) => checkOrder(resource, item));
    else if (name === "limit") query.limit = parseCount(values, "invalid limit");
    else if (name === "offset") query.offset = parseCount(values, "invalid offset");
    // No property has a name with a NUL, and PostgreSQL takes no such text.
    else if (name === "property") query.properties = values.filter((value) => !value.includes("\0"));
    else append(filters, parseFilter(resource, name, values));
  }
  if (path.kind !== "collection" && filters.length > 0) throw errors.requestInvalid("this is not a collection");
  const { fields } = query;
  if (fields && filters.some((filter) => !fields.includes(filter.field))) {
    throw errors.requestInvalid("cannot filter on un-selected fields");
  }
  if (fields && order?.some((item) => !fields.includes(item.replace(/^-/, "")))) {
    throw errors.requestInvalid("cannot order on un-selected fields");
  }
  if (path.kind === "collection") {
    if (filters.length > 0) query.filters = filters;
    if (order) query.order = order;
  } else if (path.kind !== "lines") {
    delete query.limit;
    delete query.offset;
  }
  return query;
}

function checkField(resource: AnyResource, name: string): string {
  if (!Object.hasOwn(resource.fields, name)) throw errors.requestInvalid(`no such field '${name}'`);
  return name;
}

function checkOrder(resource: AnyResource, item: string): string {
  checkField(resource, item.replace(/^-/, ""));
  return item;
}

/** The last one counts. A negative number is refused, as text is. */
function parseCount(values: readonly string[], message: string): number {
  const text = (values.at(-1) as string).trim();
  if (!/^\+?\d{1,15}$/.test(text)) throw errors.requestInvalid(message);
  return Number(text);
}

/** Returns no filter if the operator or the field is unknown: such parameters are ignored. */
function parseFilter(resource: AnyResource, parameter: string, values: readonly string[]): Filter[] {
  const known = (name: string) => Object.hasOwn(resource.fields, name);
  const at = parameter.lastIndexOf("__");
  if (!known(parameter) && at < 0) throw errors.requestInvalid(`unrecognized query parameter '${parameter}'`);
  const [name, operator] = known(parameter) ? [parameter, "eq"] : [parameter.slice(0, at), parameter.slice(at + 2)];
  if (!known(name) || !operators.has(operator)) return [];
  if (values.length > 1 && !ofSeveral.has(operator)) return [];
  const description = describeField((resource.fields[name] as Field).schema as never);
  return [
    {
      field: name,
      operator: operator as Operator,
      values: values.map((value) => parseValue(description, value, parameter)),
    },
  ];
}

const booleans: Readonly<Record<string, boolean>> = {
  on: true,
  true: true,
  yes: true,
  1: true,
  off: false,
  false: false,
  no: false,
  0: false,
};

function parseValue(description: FieldDescription, value: string, parameter: string): Json {
  const parsed = parseKind(description, value);
  if (parsed === undefined) throw errors.requestInvalid(`invalid filter value for ${parameter}`);
  return parsed;
}

function parseKind(description: FieldDescription, value: string): Json | undefined {
  switch (description.kind) {
    case "integer":
    case "datetime": {
      const number = Number(value.trim());
      if (!/^\s*[+-]?\d+\s*$/.test(value)) return undefined;
      // Beyond what any column holds it only has to stay beyond.
      return Math.max(-(2 ** 53 - 1), Math.min(2 ** 53 - 1, number));
    }
    case "boolean":
      return Object.hasOwn(booleans, value.toLowerCase()) ? booleans[value.toLowerCase()] : undefined;
    case "string":
      return value.includes("\0") ? undefined : value;
    case "identifier":
      return isIdentifier(value) && value.length <= (description.maxLength ?? value.length) ? value : undefined;
    case "list":
      return description.element && parseKind(description.element, value);
    default:
      return undefined;
  }
}
