import { asSpecial, entriesOf, isSpecial, type Value, type Values } from "./document.ts";
import { Untranslatable } from "./interpolate.ts";
import type { Scope } from "./scope.ts";
import { type Code, type Entry, literal } from "./source-file.ts";
import { describe, type Kind, todo, translate } from "./values.ts";

/** What becomes of one argument of a class of Buildbot's: entries of our options. All arguments are there to look at. */
export type Rule = (value: Value, scope: Scope, args: Values, name: string) => readonly Entry[];

/** The same value under this name (default: the argument's own). */
export const same =
  (option?: string, kind: Kind = "json"): Rule =>
  (value, scope, _, name) => [[option ?? name, translate(value, kind, scope, wishOf(scope, name))]];
export const text = (option?: string): Rule => same(option, "text");
export const flag = (option?: string): Rule => same(option, "flag");

/** A text or a list of texts, as a list. */
export const texts =
  (option?: string): Rule =>
  (value, scope, args, name) =>
    same(option, "text")(Array.isArray(value) ? value : [value], scope, args, name);

/** Seconds; None is null, which is no limit, or is left out. */
export const seconds =
  (option?: string, none: "null" | "left out" = "null"): Rule =>
  (value, scope, _, name) => {
    if (value === null && none === "left out") return [];
    return [[option ?? name, value === null ? "null" : translate(value, "json", scope, wishOf(scope, name))]];
  };

/** An argument that changes nothing here. */
export const dropped: Rule = () => [];

/** An argument that must be plain data. */
export const plain =
  (option?: string): Rule =>
  (value, scope, _, name) => {
    const code = plainCode(value, scope, name);
    return code === undefined ? [] : [[option ?? name, code]];
  };

/** An argument that is not translated; what it asks for, and what to do. Values that ask for nothing are left out. */
export const lost =
  (suggestion: string): Rule =>
  (value, scope, _, name) => {
    if (!asksForNothing(value)) scope.todo(`its option ${name} is not translated`, suggestion);
    return [];
  };

/** An argument that works here in another way. */
export const differs =
  (what: string, suggestion: string): Rule =>
  (value, scope) => {
    if (!asksForNothing(value)) scope.note(what, suggestion);
    return [];
  };

/** A function of Python's: it is to be written in TypeScript. */
export const ownFunction =
  (option?: string): Rule =>
  (value, scope, _, name) =>
    value === null ? [] : [[option ?? name, todo(value, scope, name, describe(value))]];

const asksForNothing = (value: Value) =>
  value === null ||
  value === false ||
  value === "" ||
  (Array.isArray(value) && value.length === 0) ||
  (entriesOf(value) !== undefined && Object.keys(entriesOf(value) ?? {}).length === 0);

/** What the variable of a withheld argument may be called. */
export function wishOf(scope: Scope, name: string): string {
  const [, quoted = ""] = /"([^"]*)"/.exec(scope.where) ?? [];
  const [kind = ""] = scope.where.split(" ");
  return scope.rendered || kind === "" ? name : `${kind}_${quoted}_${name}`;
}

/** Plain data as an expression; a finding and undefined for anything else. Secrets are read from the environment. */
export function plainCode(value: Value, scope: Scope, name: string): Code | undefined {
  try {
    return dataOf(value, scope, wishOf(scope, name));
  } catch (error) {
    if (!(error instanceof Untranslatable)) throw error;
    const at = asSpecial(value, "function")?.at;
    scope.todo(`${name} is ${error.message}`, "write its value, or what follows from it, by hand", at ?? scope.at);
    return undefined;
  }
}

function dataOf(value: Value, scope: Scope, wish: string): Code {
  if (Array.isArray(value)) return { list: value.map((item: Value) => dataOf(item, scope, wish)) };
  if (!isSpecial(value)) return literal(value);
  if (value.is === "withheld") return scope.withheld(value.id, wish);
  if (value.is === "secret") return translate(value, "text", scope, wish);
  if (value.is === "map")
    return { object: Object.entries(value.entries).map(([key, item]) => [key, dataOf(item, scope, key)] as const) };
  throw new Untranslatable(describe(value));
}
