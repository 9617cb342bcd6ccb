/** A TypeScript expression, printed on one line where it fits. */
export type Code =
  | string
  | { readonly list: readonly Code[] }
  | { readonly object: readonly Entry[] }
  | { readonly call: string; readonly args: readonly Code[] };

/** An entry of an object: a key and its value, with a comment above it if there is one. */
export type Entry = readonly [key: string, value: Code, comment?: string];

const width = 118;

/** An object of these entries, without those that are undefined. */
export const object = (entries: readonly (Entry | undefined)[]): Code => ({
  object: entries.filter((entry) => entry !== undefined),
});

/** A value of JSON as an expression. */
export function literal(value: unknown): Code {
  if (Array.isArray(value)) return { list: value.map(literal) };
  if (typeof value === "object" && value !== null)
    return { object: Object.entries(value).map(([key, item]) => [key, literal(item)] as const) };
  return JSON.stringify(value) ?? "undefined";
}

/** The text of an expression; `before` is how many columns of its first line are taken. */
export function print(code: Code, indent = "", before = indent.length): string {
  const line = printInline(code);
  if (line !== undefined && before + line.length <= width) return line;
  if (typeof code === "string") return code;
  const deeper = `${indent}  `;
  if ("call" in code) {
    const [only] = code.args;
    if (code.args.length === 1 && only !== undefined && typeof only !== "string")
      return `${code.call}(${print(only, indent, before + code.call.length + 1)})`;
    return `${code.call}(\n${code.args.map((arg) => `${deeper}${print(arg, deeper)},\n`).join("")}${indent})`;
  }
  if ("list" in code) return `[\n${code.list.map((item) => `${deeper}${print(item, deeper)},\n`).join("")}${indent}]`;
  const lines = code.object.map(([key, value, comment]) => {
    const start = `${deeper}${keyOf(key)}: `;
    return `${printComment(comment, deeper)}${start}${print(value, deeper, start.length)},\n`;
  });
  return `{\n${lines.join("")}${indent}}`;
}

function printInline(code: Code): string | undefined {
  if (typeof code === "string") return code.includes("\n") ? undefined : code;
  if ("object" in code) {
    const entries = code.object.map(([key, value, comment]) => {
      const text = comment === undefined ? printInline(value) : undefined;
      return text === undefined ? undefined : `${keyOf(key)}: ${text}`;
    });
    if (entries.includes(undefined)) return undefined;
    return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`;
  }
  const items = ("list" in code ? code.list : code.args).map(printInline);
  if (items.includes(undefined)) return undefined;
  return "list" in code ? `[${items.join(", ")}]` : `${code.call}(${items.join(", ")})`;
}

const printComment = (comment: string | undefined, indent: string) =>
  comment === undefined
    ? ""
    : comment
        .split("\n")
        .map((line) => `${indent}// ${line}\n`)
        .join("");

/** A key as an object has it: `__proto__` in brackets is an entry like others. */
function keyOf(key: string): string {
  if (key === "__proto__") return '["__proto__"]';
  return /^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key);
}

/** A name for a constant, of the words of a text, that is not taken yet. */
export function variableOf(text: string, taken: ReadonlySet<string>): string {
  const words = text.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  const camel = words
    .map((word, i) => `${i === 0 ? word[0]?.toLowerCase() : word[0]?.toUpperCase()}${word.slice(1)}`)
    .join("");
  const plain = /^[A-Za-z]/.test(camel) ? camel : `of${camel}`;
  let variable = plain;
  for (let again = 2; taken.has(variable); again += 1) variable = `${plain}${again}`;
  return variable;
}

/** One file of the written config: its imports and its expression. */
export class SourceFile {
  readonly #named = new Map<string, Set<string>>();
  readonly #defaults = new Map<string, string>();

  /** The name of something that a module exports, which is imported. */
  named(name: string, module = "@multimaster/config"): string {
    const names = this.#named.get(module) ?? new Set();
    this.#named.set(module, names.add(name));
    return name;
  }

  /** The name of a plugin's factory, such as "steps/git", which is imported. */
  plugin(path: string): string {
    const last = path.slice(path.lastIndexOf("/") + 1);
    const name = last === "try" ? "tryScheduler" : last.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
    const local = [...this.#defaults].some(([other, taken]) => taken === name && other !== path)
      ? `${name}${path.startsWith("hooks/") ? "Hook" : "Plugin"}`
      : name;
    this.#defaults.set(path, local);
    return local;
  }

  /** The text of the file: `comment` says what it is, `definitions` come before what it exports. */
  print(comment: string, exported: Code, definitions: readonly string[] = []): string {
    const imports = [
      ...[...this.#named].map(
        ([module, names]) => `import { ${[...names].sort(compare).join(", ")} } from ${JSON.stringify(module)};`,
      ),
      ...[...this.#defaults].map(([path, name]) => `import ${name} from "@multimaster/plugins/${path}";`),
    ];
    const moduleOf = (line: string) =>
      line.slice(line.lastIndexOf(" from ")).replace(' "./', ' "~/').replace(' "node:', ' " ');
    imports.sort((a, b) => compare(moduleOf(a), moduleOf(b)));
    const safe = comment.replaceAll("*/", "* /").replace(/\s+/g, " ");
    const parts = [imports.join("\n"), ...definitions, `export default ${print(exported, "", 15)};`];
    return `/** ${safe} */\n${parts.filter((part) => part !== "").join("\n\n")}\n`;
  }
}

const compare = (a: string, b: string) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1);
