import type { Json, SourcedProperties, SourcedProperty } from "@multimaster/core";
import type { Dialect, Fragment } from "@multimaster/database";

/** A stored `[value, source]` pair; rows whose JSON is broken are ignored by every reader. */
export function parsePair(json: string): SourcedProperty | undefined {
  try {
    const pair = JSON.parse(json) as Json;
    return Array.isArray(pair) && pair.length === 2 ? [pair[0] as Json, String(pair[1])] : undefined;
  } catch {
    return undefined;
  }
}

/** Properties of many owners, by owner. */
export function groupProperties(
  rows: readonly (readonly [owner: number, name: string, property: SourcedProperty | undefined])[],
): Map<number, SourcedProperties> {
  const groups = new Map<number, Record<string, SourcedProperty>>();
  for (const [owner, name, property] of rows) {
    if (!property) continue;
    let group = groups.get(owner);
    // Without a prototype: a property may be named __proto__.
    if (!group) groups.set(owner, (group = Object.create(null) as Record<string, SourcedProperty>));
    group[name] = property;
  }
  return groups;
}

/** A stored bare value with its source beside it. */
export function parseBare(json: string, source: string): SourcedProperty | undefined {
  try {
    return [JSON.parse(json) as Json, source];
  } catch {
    return undefined;
  }
}

/** The condition that a property has one of the names; `*` and no names at all mean every name. */
export function selectNames(dialect: Dialect, column: string, names: readonly string[] | undefined): Fragment {
  if (names === undefined || names.includes("*")) return { sql: "1 = 1", bindings: [] };
  return dialect.isOneOf(column, names);
}
