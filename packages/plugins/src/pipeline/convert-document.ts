import type { Json } from "@multimaster/core";
import { type Document, isAlias, isMap, isScalar, isSeq, type Node } from "yaml";
import type { PipelineProblem, Place, ReadDocument } from "./problem.ts";

/** Values of a file with its aliases resolved, and how many aliases it may have. */
const most = { values: 20_000, aliases: 200 };

/** Characters that no command, name or variable needs, and that a page or a terminal would misread. */
const control = /[^\P{Cc}\t\n\r\u0085]/u;

/** Names that mean something to JavaScript objects; no option has one. */
const reserved = new Set(["__proto__", "constructor", "prototype"]);

type Converted = Json | undefined;

interface Places {
  readonly value: Place;
  readonly key: Place;
}

/** Too much for any pipeline: reading stops. */
class Refused extends Error {
  readonly place: Place;

  constructor(place: Place, message: string) {
    super(message);
    this.place = place;
  }
}

/** Plain data of a document of YAML: no tags, no alias within what it is an alias of, no key twice. */
export function convertDocument(document: Document.Parsed, placeAt: (offset: number) => Place): ReadDocument {
  const conversion = new Conversion(document, placeAt);
  try {
    const value = conversion.convert(document.contents as Node, []);
    const { problems, places } = conversion;
    if (value === undefined) return { problems };
    return { document: { value, placeOf: (path, what = "value") => findPlace(places, path, what) }, problems };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { problems: [...conversion.problems, { ...error.place, message: error.message }] };
  }
}

const keyOf = (path: readonly PropertyKey[]) => JSON.stringify(path);

function findPlace(places: ReadonlyMap<string, Places>, path: readonly PropertyKey[], what: "key" | "value"): Place {
  const own = places.get(keyOf(path));
  if (own) return own[what];
  for (let length = path.length - 1; length >= 0; length -= 1) {
    const above = places.get(keyOf(path.slice(0, length)));
    if (above) return above.key;
  }
  return { line: 1, column: 1 };
}

class Conversion {
  readonly problems: PipelineProblem[] = [];
  readonly places = new Map<string, Places>();
  #document: Document.Parsed;
  #placeAt: (offset: number) => Place;
  #values = 0;
  #aliases = 0;
  /** What is being converted: an alias of it would have no end. */
  #open = new Set<Node>();
  /** Where an alias stands whose value is being converted: problems within it are shown there. */
  #aliasPlace: Place | undefined;

  constructor(document: Document.Parsed, placeAt: (offset: number) => Place) {
    this.#document = document;
    this.#placeAt = placeAt;
  }

  convert(node: Node | null, path: readonly PropertyKey[], key?: Place): Converted {
    const place = this.#aliasPlace ?? (node?.range ? this.#placeAt(node.range[0]) : (key ?? { line: 1, column: 1 }));
    this.places.set(keyOf(path), { value: place, key: this.#aliasPlace ?? key ?? place });
    this.#values += 1;
    if (this.#values > most.values)
      throw new Refused(place, `the file has more than ${most.values} values, those of its aliases included`);
    if (node === null) return null;
    if (isAlias(node)) return this.#resolve(node.source, node.resolve(this.#document), place, path, key);
    if (node.tag !== undefined && !isCoreTag(node))
      return this.#complain(place, `the tag ${shorten(node.tag)} is not read`);
    if (isScalar(node)) return this.#readScalar(node.value, place);
    this.#open.add(node);
    try {
      if (isSeq(node)) return node.items.map((item, i) => this.convert(item as Node | null, [...path, i]) ?? null);
      return isMap(node) ? this.#readMap(node.items, path, place) : null;
    } finally {
      this.#open.delete(node);
    }
  }

  #resolve(
    name: string,
    target: Node | undefined,
    place: Place,
    path: readonly PropertyKey[],
    key: Place | undefined,
  ): Converted {
    this.#aliases += 1;
    if (this.#aliases > most.aliases) throw new Refused(place, `the file has more than ${most.aliases} aliases`);
    if (!target) return this.#complain(place, `there is no anchor &${shorten(name)} before this alias`);
    if (this.#open.has(target))
      throw new Refused(place, `the alias *${shorten(name)} stands within its own anchor, so it has no end`);
    const outer = this.#aliasPlace;
    this.#aliasPlace ??= place;
    const value = this.convert(target, path, key);
    this.#aliasPlace = outer;
    return value;
  }

  #readMap(pairs: readonly { key: unknown; value: unknown }[], path: readonly PropertyKey[], outer: Place): Converted {
    const entries = new Map<string, Json>();
    for (const { key, value } of pairs) {
      const node = key as Node | null;
      const place = this.#aliasPlace ?? (node?.range ? this.#placeAt(node.range[0]) : outer);
      const name = isScalar(node) ? String(node.value) : undefined;
      if (name === undefined) this.#complain(place, "a key must be a plain name");
      else if (control.test(name)) this.#complain(place, describeControl(name));
      else if (reserved.has(name)) this.#complain(place, `the key "${name}" is not allowed`);
      else if (entries.has(name)) this.#complain(place, `the key "${shorten(name)}" stands here twice`);
      else entries.set(name, this.convert(value as Node | null, [...path, name], place) ?? null);
    }
    return Object.fromEntries(entries);
  }

  #readScalar(value: unknown, place: Place): Converted {
    if (typeof value === "number" && !Number.isFinite(value)) return this.#complain(place, "must be a finite number");
    if (typeof value === "string" && control.test(value)) return this.#complain(place, describeControl(value));
    if (value === null || ["string", "number", "boolean"].includes(typeof value)) return value as Json;
    return this.#complain(place, "must be a text, a number, true, false or null");
  }

  #complain(place: Place, message: string): undefined {
    this.problems.push({ ...place, message });
    return undefined;
  }
}

/** Tags that say what a value is anyway, such as those of quoted texts, which the reader adds itself. */
function isCoreTag({ tag }: Node): boolean {
  return /^tag:yaml\.org,2002:(map|seq|str|int|float|bool|null)$/.test(tag ?? "");
}

function describeControl(text: string): string {
  const code = control.exec(text)?.[0].charCodeAt(0) ?? 0;
  return `the text has a control character (U+${code.toString(16).toUpperCase().padStart(4, "0")})`;
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
