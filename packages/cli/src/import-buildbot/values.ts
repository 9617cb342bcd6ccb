import { escapeTemplate } from "@multimaster/config";
import { asSpecial, isSpecial, type Special, type Value } from "./document.ts";
import { functionText, nameOf, type Term, theBuild, type Wanted } from "./functions.ts";
import { parseText, type TextPart, Untranslatable } from "./interpolate.ts";
import { patternOf } from "./patterns.ts";
import type { Scope } from "./scope.ts";
import { type Code, literal } from "./source-file.ts";

/** What an option takes: a text, true or false, or any JSON. */
export type Kind = "text" | "flag" | "json";

/** A value of an option that may be a function of the build. `wish`: what the variable of a secret in it may be called. */
export function translate(value: Value, kind: Kind, scope: Scope, wish: string): Code {
  if (Array.isArray(value)) return { list: value.map((item: Value) => translate(item, kind, scope, wish)) };
  if (!isSpecial(value)) return literal(kind === "text" && typeof value === "number" ? String(value) : value);
  switch (value.is) {
    case "map":
      return {
        object: Object.entries(value.entries).map(([key, item]) => [key, translate(item, kind, scope, key)] as const),
      };
    case "withheld":
      return scope.withheld(value.id, wish);
    case "secret":
      return secretOf(value.name, scope);
    case "pattern":
      return patternOf(value.source, value.flags);
    default:
      return render(value, kind, scope, wish);
  }
}

function secretOf(name: string, scope: Scope): string {
  if (!scope.rendered) return scope.fromEnvironment(name, "a secret of Buildbot's secret providers");
  scope.secrets.asked.add(name);
  return `${scope.file.named("secret")}(${JSON.stringify(name)})`;
}

function render(value: Special, kind: Kind, scope: Scope, wish: string): Code {
  try {
    if (!scope.rendered) throw new Untranslatable("a value that follows from a build");
    const template = templateOf(value);
    if (template !== undefined && kind !== "flag") {
      for (const [, name = ""] of template.matchAll(/\$\{secret:([^}]+)\}/g)) scope.secrets.asked.add(name);
      return `${scope.file.named("interpolate")}(${JSON.stringify(template)})`;
    }
    if (value.is === "function") return `(build) => ${functionText(value, [theBuild], kind)}`;
    const text = expressionOf(value, scope);
    if (kind === "flag")
      return / [=!]== /.test(text) ? `(build) => ${bare(text)}` : `(build) => Boolean(${bare(text)})`;
    if (kind === "json" || text.startsWith("`")) return `(build) => ${bare(text)}`;
    return `(build) => String(${bare(text)})`;
  } catch (error) {
    if (!(error instanceof Untranslatable)) throw error;
    return todo(value, scope, wish, error.message);
  }
}

/** An expression without the parentheses around it, if they are one pair. */
function bare(text: string): string {
  const inner = text.slice(1, -1);
  return text.startsWith("(") && text.endsWith(")") && !/[()]/.test(inner.replace(/\([^()]*\)/g, "")) ? inner : text;
}

/** Stands for what is not translated: it fails when it is used, and `check-config` lists it. */
export function todo(value: Value | undefined, scope: Scope, what: string, why: string): string {
  const made = asSpecial(value, "function");
  const at =
    made?.at ??
    (isSpecial(value) && value.is === "transform" ? asSpecial(value.function, "function")?.at : undefined) ??
    scope.at;
  const task = `${scope.where}: ${what} is ${why}`;
  scope.todo(`${what} is ${why}`, "write it as a function in TypeScript", at);
  return `${scope.file.named("todo")}(${JSON.stringify(at === undefined ? task : `${task} (${at})`)})`;
}

/** An option that is a function of something else than a build: its parameters in JavaScript, and what they are. */
export function translateFunction(
  value: Value,
  given: readonly Term[],
  wanted: Wanted,
  scope: Scope,
  what: string,
): string {
  const made = asSpecial(value, "function");
  if (made === undefined) return todo(value, scope, what, describe(value));
  try {
    const text = functionText(made, given, wanted);
    const parameters = given.map(({ code }) => /^(?:`.*\$\{)?(\w+)/.exec(code)?.[1] ?? "value");
    const used = parameters.map((name) => (new Set(text.match(/\w+/g)).has(name) ? name : `_${name}`));
    while (used.at(-1)?.startsWith("_")) used.pop();
    return `(${used.join(", ")}) => ${text}`;
  } catch (error) {
    if (!(error instanceof Untranslatable)) throw error;
    return todo(value, scope, what, describe(value));
  }
}

/** What a value is that cannot be translated. */
export function describe(value: Value | undefined): string {
  if (!isSpecial(value)) return "a value";
  if (value.is === "function") return nameOf(value);
  if (value.is === "transform") return `a Transform by ${value.name}`;
  if (value.is === "object" || value.is === "unknown" || value.is === "class") return `a ${value.class}`;
  return "a value that follows from a build";
}

/** The template of `interpolate` for a text in which only properties and secrets stand. */
function templateOf(value: Special): string | undefined {
  if (value.is !== "interpolate" && value.is !== "with-properties") return undefined;
  if (typeof value.text !== "string" || value.args.length > 0) return undefined;
  let template = "";
  for (const part of parseText(value.text, value.is === "interpolate")) {
    if ("text" in part) {
      if (part.text.endsWith("$")) return undefined;
      template += escapeTemplate(part.text);
      continue;
    }
    const [name = ""] = part.names;
    const [fallback] = part.alternatives;
    if (/[}:]/.test(name) || Object.hasOwn(value.kwargs, name)) return undefined;
    if (part.kind === "secret" && part.operator === undefined) template += `\${secret:${name}}`;
    else if (part.kind === "prop" && part.operator === undefined) template += `\${${name}}`;
    else if (part.kind === "prop" && part.operator === "-" && !/[}%]/.test(fallback ?? ""))
      template += `\${${name}:-${fallback}}`;
    else return undefined;
  }
  return template;
}

/** A value as an expression in which the build is `build`. Throws `Untranslatable`. */
export function expressionOf(value: Value, scope: Scope): string {
  if (Array.isArray(value)) return `[${value.map((item: Value) => expressionOf(item, scope)).join(", ")}]`;
  if (!isSpecial(value)) return JSON.stringify(value);
  switch (value.is) {
    case "property": {
      const read = `build.property(${JSON.stringify(value.name)})`;
      if (value.default === undefined) return `(${read} ?? "")`;
      return `(${read} ${value.whenFalse ? "||" : "??"} ${expressionOf(value.default, scope)})`;
    }
    case "secret":
      scope.secrets.asked.add(value.name);
      return `build.secret(${JSON.stringify(value.name)})`;
    case "interpolate":
    case "with-properties":
      return textExpression(value, scope);
    case "compare":
      return comparison(value, scope);
    case "flatten":
      return `${expressionOf(value.value, scope)}.flat(9)`;
    case "map": {
      const entries = Object.entries(value.entries).map(
        ([key, item]) => `${key === "__proto__" ? '["__proto__"]' : JSON.stringify(key)}: ${expressionOf(item, scope)}`,
      );
      return `{ ${entries.join(", ")} }`;
    }
    case "transform": {
      const made = asSpecial(value.function, "function");
      if (made === undefined) throw new Untranslatable(describe(value));
      return functionText(
        made,
        value.args.map((arg) => ({ code: expressionOf(arg, scope), role: "json" })),
        "json",
      );
    }
    default:
      throw new Untranslatable(describe(value));
  }
}

const operators: Readonly<Record<string, string>> = {
  "==": "===",
  "!=": "!==",
  "<": "<",
  ">": ">",
  "<=": "<=",
  ">=": ">=",
};

function comparison({ operator, left, right }: Extract<Special, { is: "compare" }>, scope: Scope): string {
  const [a, b] = [expressionOf(left, scope), expressionOf(right, scope)];
  if (operator === "in") return `${b}.includes(${a})`;
  const ours = operators[operator];
  if (ours === undefined) throw new Untranslatable(`the operator ${operator} of values that follow from a build`);
  return `(${a} ${ours} ${b})`;
}

function textExpression(value: Extract<Special, { is: "interpolate" | "with-properties" }>, scope: Scope): string {
  if (typeof value.text !== "string") throw new Untranslatable("a text with a secret");
  const named = value.is === "interpolate";
  const positional = [...value.args];
  const text = parseText(value.text, named).map((part) => {
    if ("text" in part) return escapeText(part.text);
    if (part.kind !== "") return `\${${partExpression(part, value.kwargs, scope)}}`;
    const arg = positional.shift();
    if (arg === undefined) throw new Untranslatable("a text with too few arguments");
    if (!named && typeof arg === "string") return `\${build.property(${JSON.stringify(arg)}) ?? ""}`;
    return `\${${expressionOf(arg, scope)}}`;
  });
  return `\`${text.join("")}\``;
}

const escapeText = (text: string) =>
  text
    .replace(/[\\`]|\$(?=\{)/g, "\\$&")
    .replaceAll("\n", "\\n")
    .replaceAll("\r", "\\r");
const asTemplate = (text: string, scope: Scope) =>
  text.includes("%(") ? textExpression({ is: "interpolate", text, args: [], kwargs: {} }, scope) : JSON.stringify(text);

const sourceFields = new Set(["branch", "revision", "repository", "project"]);

function partExpression(
  part: Exclude<TextPart, { text: string }>,
  kwargs: Readonly<Record<string, Value>>,
  scope: Scope,
): string {
  const value = partValue(part, kwargs, scope);
  const [yes = "", no = ""] = part.alternatives.map((text) => asTemplate(text, scope));
  switch (part.operator) {
    case undefined:
      return value.startsWith("build.") ? `${value} ?? ""` : value;
    case "-":
      return `${value} ?? ${yes}`;
    case "~":
      return `${value} || ${yes}`;
    case "+":
      return `${value} === undefined ? "" : ${yes}`;
    case "?":
      return `${value} === undefined ? ${no || '""'} : ${yes}`;
    default:
      return `${value} ? ${yes} : ${no || '""'}`;
  }
}

function partValue(
  { kind, names: [name = "", field = ""] }: Exclude<TextPart, { text: string }>,
  kwargs: Readonly<Record<string, Value>>,
  scope: Scope,
): string {
  const keyword = kwargs[name];
  if (kind === "prop" && keyword === undefined) return `build.property(${JSON.stringify(name)})`;
  if (kind === "kw" || kind === "prop") {
    if (keyword === undefined) throw new Untranslatable(`the keyword ${name}, which has no value,`);
    return expressionOf(keyword, scope);
  }
  if (kind === "secret") {
    scope.secrets.asked.add(name);
    return `build.secret(${JSON.stringify(name)})`;
  }
  if (kind === "worker" && name === "name") return 'build.property("workername")';
  if (kind === "src" && sourceFields.has(field))
    return `build.source(${name === "" ? "" : JSON.stringify(name)})?.${field}`;
  throw new Untranslatable(`a text with ${kind}:${[name, field].filter((one) => one !== "").join(":")}`);
}
