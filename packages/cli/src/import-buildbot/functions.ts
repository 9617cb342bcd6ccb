import { type EachValue, entriesOf, type FunctionValue, isSpecial, type Value } from "./document.ts";
import { Untranslatable } from "./interpolate.ts";
import { matchPattern, patternOf } from "./patterns.ts";

/** What an expression is: a build that has properties, a change, texts, or some JSON that may be undefined. */
type Role = "build" | "change" | "text" | "texts" | "flag" | "number" | "json" | "list";

/** A part of a function, translated. */
export interface Term {
  readonly code: string;
  readonly role: Role;
  /** Of a list that is written out: what is in it. */
  readonly items?: readonly Term[];
}

/** What an option wants to get. */
export type Wanted = "flag" | "text" | "json";

/** The expression of a function that gets these arguments. Throws `Untranslatable`. */
export function functionText(made: FunctionValue, given: readonly (Term | undefined)[], wanted: Wanted): string {
  if (made.reads === undefined) throw new Untranslatable(nameOf(made));
  const { parameters, value } = made.reads;
  const terms = new Map<string, Term>();
  for (const [i, parameter] of parameters.entries()) {
    const term = given[i];
    if (term !== undefined) terms.set(parameter, term);
  }
  const translation = new Translation(made, terms);
  if (wanted === "flag") return translation.readFlag(value);
  const term = translation.read(value);
  return wanted === "text" ? textsIn(term) : asJson(term);
}

export const nameOf = ({ name }: FunctionValue) => (name.endsWith("<lambda>") ? "a function" : `the function ${name}`);

/** A build, as steps see it. */
export const theBuild: Term = { code: "build", role: "build" };

const asFlag = ({ code, role }: Term): string => {
  if (role === "flag") return code;
  if (role === "texts" || role === "list") return `${code}.length > 0`;
  return `Boolean(${code})`;
};
const asText = ({ code, role }: Term): string =>
  role === "text" ? code : `String(${role === "json" ? `${code} ?? ""` : code})`;
const asJson = ({ code, role }: Term): string => (role === "json" ? `${code} ?? ""` : code);
const textsIn = (term: Term): string =>
  term.items === undefined
    ? term.role === "texts"
      ? term.code
      : asText(term)
    : `[${term.items.map(asText).join(", ")}]`;

const changeFields: Readonly<Record<string, Term>> = {
  files: { code: "change.files", role: "texts" },
  branch: { code: "change.branch", role: "json" },
  who: { code: "change.author", role: "text" },
  comments: { code: "change.comments", role: "text" },
  category: { code: "change.category", role: "json" },
  project: { code: "change.project", role: "text" },
  repository: { code: "change.repository", role: "text" },
  codebase: { code: "change.codebase", role: "text" },
  revision: { code: "change.revision", role: "json" },
};

/** Names of Python's that mean something else in JavaScript, or here. */
const reserved = new Set([
  "new",
  "var",
  "let",
  "const",
  "function",
  "typeof",
  "void",
  "switch",
  "case",
  "default",
  "this",
  "build",
  "change",
]);

class Translation {
  readonly #made: FunctionValue;
  readonly #terms: Map<string, Term>;

  constructor(made: FunctionValue, terms: Map<string, Term>) {
    this.#made = made;
    this.#terms = terms;
  }

  #refuse(): never {
    throw new Untranslatable(nameOf(this.#made));
  }

  read(value: Value): Term {
    if (Array.isArray(value)) return this.#list(value);
    if (typeof value === "string") return { code: JSON.stringify(value), role: "text" };
    if (typeof value === "number") return { code: String(value), role: "number" };
    if (typeof value === "boolean") return { code: String(value), role: "flag" };
    if (!isSpecial(value)) return { code: "null", role: "json" };
    switch (value.is) {
      case "name":
        return this.#terms.get(value.name) ?? this.#refuse();
      case "map": {
        const entries = Object.entries(value.entries).map(
          ([key, item]) => `${JSON.stringify(key)}: ${asJson(this.read(item))}`,
        );
        return { code: `({ ${entries.join(", ")} })`, role: "list" };
      }
      case "operation":
        return this.#operation(value.operator, value.args);
      case "attribute":
        return this.#attribute(this.read(value.of), value.name);
      case "method":
        return this.#method(value.of, value.name, value.args);
      case "each":
        return this.#each(value);
      default:
        return this.#refuse();
    }
  }

  #list(value: readonly Value[]): Term {
    const items = value.map((item) => this.read(item));
    return {
      code: `[${items.map(asJson).join(", ")}]`,
      role: items.every(({ role }) => role === "text") ? "texts" : "list",
      items,
    };
  }

  #operation(operator: string, args: readonly Value[]): Term {
    const terms = () => args.map((arg) => this.read(arg));
    switch (operator) {
      case "and":
      case "or":
        return this.#choice(operator, terms());
      case "not":
        return { code: `!(${this.readFlag(args[0] ?? null)})`, role: "flag" };
      case "is none":
        return { code: `(${this.#only(args).code} ?? null) === null`, role: "flag" };
      case "if":
        return this.#condition(args);
      case "text":
        return { code: `\`${terms().map(templatePart).join("")}\``, role: "text" };
      case "str":
        return { code: asText(this.#only(args)), role: "text" };
      case "int":
        return { code: `Number(${this.#only(args).code})`, role: "number" };
      case "bool":
        return { code: asFlag(this.#only(args)), role: "flag" };
      case "len":
        return this.#length(this.#only(args));
      case "re.match":
      case "re.search":
        return this.#pattern(args, operator === "re.match");
      default:
        return this.#comparison(operator, terms());
    }
  }

  #only(args: readonly Value[]): Term {
    const [arg] = args;
    return arg === undefined ? this.#refuse() : this.read(arg);
  }

  /** A value that is only asked whether it is true. */
  readFlag(value: Value): string {
    if (!isSpecial(value) || value.is !== "operation" || !["and", "or"].includes(value.operator))
      return asFlag(this.read(value));
    return `(${value.args.map((arg) => this.readFlag(arg)).join(value.operator === "and" ? " && " : " || ")})`;
  }

  /** `or` and `and` as values: the first that decides. An empty list is false only in Python. */
  #choice(operator: string, terms: readonly Term[]): Term {
    if (terms.some(({ role }) => role === "texts" || role === "list" || role === "build" || role === "change"))
      return this.#refuse();
    const code = `(${terms.map((term) => term.code).join(operator === "and" ? " && " : " || ")})`;
    return { code, role: terms.every(({ role }) => role === terms[0]?.role) ? (terms[0]?.role ?? "json") : "json" };
  }

  #condition([test, ...branches]: readonly Value[]): Term {
    const [yes, no] = branches.map((branch) => this.read(branch));
    if (test === undefined || yes === undefined || no === undefined) return this.#refuse();
    const role = yes.role === no.role && yes.items === undefined ? yes.role : "json";
    return { code: `(${this.readFlag(test)} ? ${yes.code} : ${no.code})`, role };
  }

  #length(term: Term): Term {
    if (term.role === "texts" || term.role === "list" || term.role === "text")
      return { code: `${term.code}.length`, role: "number" };
    return { code: `${asText(term)}.length`, role: "number" };
  }

  #pattern([pattern, text]: readonly Value[], atBegin: boolean): Term {
    const source =
      typeof pattern === "string"
        ? pattern
        : isSpecial(pattern) && pattern.is === "pattern"
          ? pattern.source
          : undefined;
    if (source === undefined || text === undefined) return this.#refuse();
    const written = atBegin ? matchPattern(source) : patternOf(source);
    return { code: `${written}.test(${asText(this.read(text))})`, role: "flag" };
  }

  #comparison(operator: string, [left, right]: readonly Term[]): Term {
    if (left === undefined || right === undefined) return this.#refuse();
    if (operator === "in" || operator === "not in") {
      const has =
        right.role === "texts" || right.role === "list"
          ? `${textsIn(right)}.includes(${asText(left)})`
          : `${asText(right)}.includes(${asText(left)})`;
      return { code: operator === "in" ? has : `!${has}`, role: "flag" };
    }
    if (operator === "==" || operator === "!=")
      return { code: `${left.code} ${operator}= ${right.code}`, role: "flag" };
    if (!["<", ">", "<=", ">="].includes(operator)) return this.#refuse();
    const number = (term: Term) => (term.role === "number" ? term.code : `Number(${term.code})`);
    return { code: `${number(left)} ${operator} ${number(right)}`, role: "flag" };
  }

  #attribute(of: Term, name: string): Term {
    if (of.role === "change") return changeFields[name] ?? this.#refuse();
    if (of.role !== "build") return this.#refuse();
    if (name === "build" || name === "properties") return of;
    if (name === "results") return { code: "build.build.results", role: "number" };
    return name === "number" ? { code: "build.build.number", role: "number" } : this.#refuse();
  }

  #method(of: Value, name: string, args: readonly Value[]): Term {
    const [first, second] = args;
    const constants = entriesOf(of);
    if (constants !== undefined && (name === "get" || name === "[]") && first !== undefined) {
      if (!Object.values(constants).every((item) => typeof item === "string")) return this.#refuse();
      const map = `(${JSON.stringify(constants)} as Readonly<Record<string, string>>)`;
      const otherwise = second === undefined || second === null ? '""' : asText(this.read(second));
      return { code: `(${map}[${asText(this.read(first))}] ?? ${otherwise})`, role: "text" };
    }
    const term = this.read(of);
    if (term.role === "build") return this.#ofBuild(term, name, args);
    if (name === "join" && first !== undefined)
      return { code: `${textsIn(this.read(first))}.join(${asText(term)})`, role: "text" };
    if (term.role === "change" || term.role === "list" || term.role === "texts") return this.#refuse();
    return this.#ofText(asText(term), name, args);
  }

  #ofBuild(build: Term, name: string, [first, second]: readonly Value[]): Term {
    if (name === "getBuild") return build;
    if (typeof first !== "string") return this.#refuse();
    const read = `build.property(${JSON.stringify(first)})`;
    if (name === "hasProperty") return { code: `${read} !== undefined`, role: "flag" };
    if (name !== "getProperty" && name !== "[]" && name !== "get") return this.#refuse();
    if (second === undefined || second === null) return { code: read, role: "json" };
    return { code: `(${read} ?? ${this.read(second).code})`, role: "json" };
  }

  #ofText(text: string, name: string, args: readonly Value[]): Term {
    const [first, second] = args;
    const argument = () => (first === undefined ? this.#refuse() : this.read(first));
    switch (name) {
      case "startswith":
      case "endswith": {
        const method = name === "startswith" ? "startsWith" : "endsWith";
        const wanted = argument();
        const code =
          wanted.role === "texts"
            ? `${wanted.code}.some((part) => ${text}.${method}(part))`
            : `${text}.${method}(${asText(wanted)})`;
        return { code, role: "flag" };
      }
      case "lower":
        return { code: `${text}.toLowerCase()`, role: "text" };
      case "upper":
        return { code: `${text}.toUpperCase()`, role: "text" };
      case "strip":
        return first === undefined ? { code: `${text}.trim()`, role: "text" } : this.#refuse();
      case "replace":
        return second === undefined
          ? this.#refuse()
          : { code: `${text}.replaceAll(${asText(argument())}, ${asText(this.read(second))})`, role: "text" };
      case "split":
        return first === undefined
          ? { code: `${text}.split(/\\s+/).filter((word) => word !== "")`, role: "texts" }
          : { code: `${text}.split(${asText(argument())})`, role: "texts" };
      default:
        return this.#refuse();
    }
  }

  #each({ kind, variable, of, conditions, element }: EachValue): Term {
    const source = this.read(of);
    if (source.role !== "texts" || !/^[a-z_]\w*$/i.test(variable) || reserved.has(variable)) return this.#refuse();
    const before = this.#terms.get(variable);
    this.#terms.set(variable, { code: variable, role: "text" });
    const wanted = conditions.map((condition) => this.readFlag(condition));
    const inner = kind === "list" ? this.read(element) : { code: this.readFlag(element), role: "flag" as const };
    if (before === undefined) this.#terms.delete(variable);
    else this.#terms.set(variable, before);
    const from = wanted.length === 0 ? source.code : `${source.code}.filter((${variable}) => ${wanted.join(" && ")})`;
    if (kind !== "list")
      return { code: `${from}.${kind === "any" ? "some" : "every"}((${variable}) => ${inner.code})`, role: "flag" };
    return { code: inner.code === variable ? from : `${from}.map((${variable}) => ${asText(inner)})`, role: "texts" };
  }
}

/** A part of a template literal. */
function templatePart(term: Term): string {
  if (/^"/.test(term.code) && term.role === "text")
    return String(JSON.parse(term.code))
      .replace(/[\\`]|\$(?=\{)/g, "\\$&")
      .replaceAll("\n", "\\n");
  if (term.code.startsWith("`")) return term.code.slice(1, -1);
  return `\${${term.role === "json" ? `${term.code} ?? ""` : term.code}}`;
}
