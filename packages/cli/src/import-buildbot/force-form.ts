import { asSpecial, isSpecial, type ObjectValue, type Value } from "./document.ts";
import { plainCode } from "./rules.ts";
import type { Scope } from "./scope.ts";
import { type Code, type Entry, literal, object } from "./source-file.ts";
import { describe } from "./values.ts";

/** Our types of the fields of a form, by the classes of Buildbot's parameters, with the arguments they have. */
const types: Readonly<Record<string, { readonly type: string; readonly has: readonly string[] }>> = {
  StringParameter: { type: "string", has: ["default", "size"] },
  TextParameter: { type: "text", has: ["default", "cols", "rows"] },
  IntParameter: { type: "int", has: ["default", "size"] },
  BooleanParameter: { type: "bool", has: ["default"] },
  ChoiceStringParameter: { type: "choice", has: ["default", "choices", "multiple", "strict"] },
  FixedParameter: { type: "fixed", has: ["default"] },
};
const common = ["label", "tooltip", "required", "hide", "maxsize", "regex", "autopopulate"];
const harmless = ["tablabel", "debug", "size", "type", "fullName"];

/** The fields of the form of a force scheduler. */
export function parametersEntry(value: Value, scope: Scope): readonly Entry[] {
  const fields = fieldsOf(value, scope);
  return fields.length === 0 ? [] : [["parameters", { list: fields }]];
}

function fieldsOf(value: Value | undefined, scope: Scope): Code[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((item: Value): Code[] => {
    if (!isSpecial(item) || item.is !== "object") {
      scope.todo(`a field of its form is ${describe(item)}`, "add it to parameters");
      return [];
    }
    if (item.base === "NestedParameter" || item.base === "ParameterGroup") return nest(item, scope);
    const known = types[item.base];
    // The user is the one who is logged in.
    if (item.base === "UserNameParameter") return [];
    if (known === undefined) {
      scope.todo(`the field ${describe(item)} of its form is not translated`, "see parameters in docs/reference");
      return [];
    }
    return [object([["type", literal(known.type)], ...argumentsOf(item, known.has, scope)])];
  });
}

function nest(item: ObjectValue, scope: Scope): Code[] {
  const fields = fieldsOf(item.args["fields"], scope);
  if (fields.length === 0) return [];
  const kept = ["name", "label", "layout", "columns"].flatMap((name): Entry[] => {
    const given = item.args[name];
    return given === undefined || given === null || isSpecial(given) ? [] : [[name, literal(given)]];
  });
  return [object([["type", literal("nested")], ...kept, ["fields", { list: fields }]])];
}

function argumentsOf({ args }: ObjectValue, has: readonly string[], scope: Scope): Entry[] {
  return Object.entries(args).flatMap(([name, value]): Entry[] => {
    if (value === null) return [];
    if (![...has, ...common, "name"].includes(name)) {
      if (!harmless.includes(name))
        scope.todo(`the option ${name} of a field is not known`, "see parameters in docs/reference");
      return [];
    }
    if (name === "regex") {
      const source = typeof value === "string" ? value : asSpecial(value, "pattern")?.source;
      return source === undefined ? [] : [[name, literal(source)]];
    }
    const code = plainCode(value, scope, name);
    return code === undefined ? [] : [[name, code]];
  });
}

/** The source stamps that the form asks for. */
export function codebasesEntry(value: Value, scope: Scope): readonly Entry[] {
  if (!Array.isArray(value) || value.length === 0) return [];
  const list = value.map((item: Value): Code => {
    if (typeof item === "string") return literal(item);
    if (!isSpecial(item) || item.is !== "object") {
      scope.todo(`a codebase of its form is ${describe(item)}`, "add it to codebases");
      return literal("");
    }
    const name = item.args["codebase"] ?? item.args["name"] ?? "";
    const label = item.args["label"];
    const stamps = ["branch", "project", "repository", "revision"].flatMap((field): Entry[] => {
      const given = item.args[field];
      return isSpecial(given) && given.is === "object" ? [[field, object(stampField(given))]] : [];
    });
    return object([
      ["codebase", literal(name)],
      typeof label === "string" && label !== "" ? ["label", literal(label)] : undefined,
      ...stamps,
    ]);
  });
  return [["codebases", { list }]];
}

function stampField({ base, args }: ObjectValue): Entry[] {
  const entries = ["default", "label", "required", "choices"].flatMap((name): Entry[] => {
    const given = args[name];
    return given === undefined || given === null || isSpecial(given) ? [] : [[name, literal(given)]];
  });
  return base === "FixedParameter" ? [...entries, ["fixed", "true"]] : entries;
}
