import { Composer, type CST, type Document, Lexer, LineCounter, Parser } from "yaml";
import { convertDocument } from "./convert-document.ts";
import type { Place, ReadDocument } from "./problem.ts";

/** Of the text, before it is read: how large it may be, and how deep. */
export interface DocumentLimits {
  readonly maxBytes: number;
}

/** Deeper than any pipeline; a reader of YAML needs stack for each level. */
const deepest = 30;
const tooDeep = `the file is nested more than ${deepest} levels deep`;

const start: Place = { line: 1, column: 1 };

/** Reads a text that a stranger may have written: bounded in size, depth and aliases, without tags, plain data only. */
export function readDocument(bytes: Uint8Array, { maxBytes }: DocumentLimits): ReadDocument {
  if (bytes.length > maxBytes)
    return refuse(start, `the file has ${bytes.length} bytes, more than the ${maxBytes} that are read`);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return refuse(start, "the file is not UTF-8 text");
  }
  const control = /[^\t\n\r\u0020-\u007e\u0085\u00a0-\uffff]/.exec(text);
  const lines = new LineCounter();
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  if (isDeep(text)) return refuse(start, tooDeep);
  try {
    return compose(text, lines, placeAt, control);
  } catch (error) {
    // The reader of YAML has no more stack.
    if (error instanceof RangeError) return refuse(start, tooDeep);
    throw error;
  }
}

function compose(
  text: string,
  lines: LineCounter,
  placeAt: (offset: number) => Place,
  control: RegExpExecArray | null,
): ReadDocument {
  const tokens = [...new Parser(lines.addNewLine).parse(text)];
  if (control) return refuse(placeAt(control.index), "the file has a control character");
  const deep = findDeepest(tokens);
  if (deep !== undefined) return refuse(placeAt(deep), tooDeep);
  const documents = [...new Composer({ ...options, lineCounter: lines }).compose(tokens)];
  const [first, second] = documents as Document.Parsed[];
  if (!first?.contents) return refuse(start, "the file is empty; it needs a list of steps");
  const more = second ? [{ ...placeAt(second.range[0]), message: "the file has a second document; one is read" }] : [];
  // After a mistake in the syntax, all that follows is unexpected.
  const errors = first.errors
    .filter(({ message }, i) => i === 0 || !message.startsWith("Unexpected "))
    .map(({ pos, message }) => ({ ...placeAt(pos[0]), message: describeSyntax(message) }));
  if (errors.length > 0) return { problems: [...errors, ...more] };
  const read = convertDocument(first, placeAt);
  return { ...read, problems: [...read.problems, ...more] };
}

const options = {
  version: "1.2",
  schema: "core",
  merge: false,
  // Their check compares each key with all others; ours does not.
  uniqueKeys: false,
  strict: true,
  prettyErrors: false,
  logLevel: "silent",
  resolveKnownTags: false,
} as const;

function refuse(place: Place, message: string): ReadDocument {
  return { problems: [{ ...place, message }] };
}

function describeSyntax(message: string): string {
  const [line = ""] = message.split("\n");
  return `this is not valid YAML: ${line.slice(0, 200)}`;
}

/** Whether a text is certainly too deep: found before it is parsed, which takes long for such a text. */
function isDeep(text: string): boolean {
  let brackets = 0;
  let row = 0;
  for (const token of new Lexer().lex(text)) {
    if (token === "[" || token === "{") brackets += 1;
    else if (token === "]" || token === "}") brackets -= 1;
    // Each of these in a row is a level more.
    if (token === "-" || token === "?" || token === ":") row += 1;
    else if (token === "," || token === "\n" || token === "\r\n") row = 0;
    if (brackets > deepest || row > deepest) return true;
  }
  return false;
}

/** Where the first token stands that is too deep; undefined: none is. Without recursion, whatever the text is. */
function findDeepest(tokens: readonly CST.Token[]): number | undefined {
  const open: { readonly token: CST.Token; readonly depth: number }[] = tokens.map((token) => ({ token, depth: 0 }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { token, depth } = next;
    if (depth > deepest) return token.offset;
    if (token.type === "document" && token.value) open.push({ token: token.value, depth });
    if (!("items" in token)) continue;
    for (const { key, value } of token.items as readonly { key?: CST.Token | null; value?: CST.Token }[])
      for (const inner of [key, value]) if (inner) open.push({ token: inner, depth: depth + 1 });
  }
  return undefined;
}
