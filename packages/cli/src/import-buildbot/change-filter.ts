import { asSpecial, isSpecial, type Value, type Values } from "./document.ts";
import { matchPattern } from "./patterns.ts";
import type { Scope } from "./scope.ts";
import { type Code, type Entry, literal, object } from "./source-file.ts";
import { describe, todo, translateFunction } from "./values.ts";

const fields = ["branch", "repository", "project", "category", "codebase"] as const;

/** What functions of a change, or of a field of it, get. */
export const theChange = { code: "change", role: "change" } as const;
const aText = { code: "value", role: "json" } as const;

/** The changes that a scheduler follows. Buildbot's patterns match at the beginning. */
export function changeFilterEntry(value: Value, scope: Scope): readonly Entry[] {
  if (value === null) return [];
  if (!isSpecial(value) || value.is !== "object" || value.base !== "ChangeFilter") {
    scope.todo(`its change filter is ${describe(value)}`, "write changeFilter");
    return [["changeFilter", object([["filter", todo(value, scope, "change_filter", describe(value))]])]];
  }
  return [["changeFilter", object(filterEntries(value.args, scope))]];
}

/** The entries of a filter of changes or source stamps. */
export function filterEntries(args: Values, scope: Scope): Entry[] {
  const entries = fields.flatMap((field): Entry[] => {
    const code = matcher(field, args, scope);
    return code === undefined ? [] : [[field, code]];
  });
  const own = args["filter_fn"];
  if (own !== undefined && own !== null)
    entries.push(["filter", translateFunction(own, [theChange], "flag", scope, "filter_fn")]);
  for (const name of ["property_eq", "property_not_eq", "property_re", "property_not_re"])
    if (args[name] !== undefined && args[name] !== null)
      scope.todo(`its ${name} is not translated`, "write changeFilter: { filter: (change) => … }");
  return entries;
}

function matcher(field: string, args: Values, scope: Scope): Code | undefined {
  const equal = args[field] ?? args[`${field}_eq`];
  const conditions: string[] = [];
  const pattern = regexOf(args[`${field}_re`]);
  const own = args[`${field}_fn`];
  if (own !== undefined && own !== null) return translateFunction(own, [aText], "flag", scope, `${field}_fn`);
  const unwanted = args[`${field}_not_eq`];
  if (unwanted !== undefined && unwanted !== null && !isSpecial(unwanted))
    conditions.push(`!${JSON.stringify(Array.isArray(unwanted) ? unwanted : [unwanted])}.includes(value ?? "")`);
  const unlike = regexOf(args[`${field}_not_re`]);
  if (unlike !== undefined) conditions.push(`!${unlike}.test(value ?? "")`);
  if (conditions.length === 0) {
    if (pattern !== undefined) return pattern;
    return equal === undefined || isSpecial(equal) || (equal === null && field !== "branch")
      ? undefined
      : literal(equal);
  }
  if (pattern !== undefined) conditions.push(`${pattern}.test(value ?? "")`);
  if (equal !== undefined && !isSpecial(equal) && equal !== null)
    conditions.push(`${JSON.stringify(Array.isArray(equal) ? equal : [equal])}.includes(value ?? "")`);
  return `(value) => ${conditions.join(" && ")}`;
}

function regexOf(value: Value | undefined): string | undefined {
  const source = typeof value === "string" ? value : asSpecial(value, "pattern")?.source;
  return source === undefined ? undefined : matchPattern(source);
}
