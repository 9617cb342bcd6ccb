import { type Fragment, hashColumns } from "@multimaster/database";
import type { ReadContext } from "../model/define-resource.ts";

/**
 * Puts path parameters into a condition: `:name` becomes a binding, `:sha1(name)` the hash by which named rows are found,
 * `:int(name)` the number in a text parameter (-1, which no row has, when it is none).
 */
export function bindParams(where: string, params: ReadContext["params"]): Fragment {
  const bindings: unknown[] = [];
  const sql = where.replace(
    /(?<!:):(?:(sha1|int)\(([a-z_0-9]+)\)|([a-z_0-9]+))/g,
    (_, convert?: string, converted?: string, plain?: string) => {
      const name = converted ?? plain ?? "";
      const value = params[name];
      if (value === undefined) throw new TypeError(`no path parameter "${name}"`);
      if (convert === "sha1") bindings.push(hashColumns(value));
      else if (convert === "int") bindings.push(/^\d{1,15}$/.test(String(value)) ? Number(value) : -1);
      else bindings.push(value);
      // Cast: an id beyond 32 bits finds nothing instead of failing in PostgreSQL.
      return convert === "int" || typeof value === "number" ? "cast(? as bigint)" : "?";
    },
  );
  return { sql, bindings };
}

/** SQL of a fixed text without quotes. */
export function literal(text: string): Fragment {
  return { sql: `'${text}'`, bindings: [] };
}

/** All of the conditions; true when there are none. */
export function allOf(conditions: readonly Fragment[]): Fragment {
  if (conditions.length === 0) return { sql: "1 = 1", bindings: [] };
  return {
    sql: conditions.map((condition) => `(${condition.sql})`).join(" and "),
    bindings: conditions.flatMap((condition) => condition.bindings),
  };
}

/** Any of the conditions; false when there are none. */
export function anyOf(conditions: readonly Fragment[]): Fragment {
  if (conditions.length === 0) return { sql: "1 = 0", bindings: [] };
  return {
    sql: conditions.map((condition) => `(${condition.sql})`).join(" or "),
    bindings: conditions.flatMap((condition) => condition.bindings),
  };
}
