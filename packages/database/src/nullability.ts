import { buildbotTables } from "./schema/buildbot.ts";
import { ownTables } from "./schema/migrations.ts";

const notNull = new Map(
  [...buildbotTables, ...ownTables].map((table) => [
    table.name,
    new Set(Object.entries(table.columns).flatMap(([name, column]) => (column.facts.nullable ? [] : [name]))),
  ]),
);

const source =
  /(?:^|,|\b(left|right|full)?\s*(?:outer\s+|inner\s+|cross\s+)?join)\s*(\w+)(?:\s+(?:as\s+)?(?!on\b|left\b|right\b|full\b|inner\b|cross\b|join\b)(\w+))?/gi;

/**
 * Says of column expressions whether they can never be null in rows of this `from` clause. PostgreSQL uses an ordinary
 * index for an order only if nothing is said about nulls, even on columns that have none: naming the place of nulls
 * everywhere would sort ten million builds for a list of fifty.
 */
export function neverNull(from: string): (expression: string) => boolean {
  let known = byFrom.get(from);
  if (!known) byFrom.set(from, (known = readFrom(from)));
  return known;
}

/** The clauses are those of the resources: there are a few dozen. */
const byFrom = new Map<string, (expression: string) => boolean>();

function readFrom(from: string): (expression: string) => boolean {
  const tables = new Map<string, string>();
  for (const [, outer, name, alias] of from.matchAll(source)) {
    // Rows of an outer-joined table may be missing, and then every column of it is null.
    if (name && outer === undefined) tables.set(alias ?? name, name);
  }
  const only = tables.size === 1 && !/\bjoin\b|,/i.test(from) ? [...tables.values()][0] : undefined;
  return (expression) => {
    const match = /^(?:(\w+)\.)?(\w+)$/.exec(expression);
    if (!match) return false;
    const table = match[1] === undefined ? only : tables.get(match[1]);
    return table !== undefined && (notNull.get(table)?.has(match[2] as string) ?? false);
  };
}
