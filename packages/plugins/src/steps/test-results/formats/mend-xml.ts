type Place = "begin" | "text" | "tag" | "data" | "comment" | "instruction" | `"` | "'";

/** Where nothing has to be escaped, and what ends it. */
const ends = { data: "]]>", comment: "-->", instruction: "?>" } as const;
const dataMark = "<![CDATA[";
const commentMark = "<!--";

/**
 * Makes XML of what writers leave in it: colours and other characters that XML forbids, references to such, entities
 * that XML does not know, `&`, `<` and `]]>` that are not escaped, blanks before the declaration. Everything else is
 * left to the parser.
 */
export class XmlMender {
  /** Whether something was mended. */
  mended = false;
  #place: Place = "begin";
  /** Whether the file declares something, such as entities: those are left to the parser, which refuses them. */
  #declares = false;
  #text = "";
  #at = 0;
  #isLast = false;

  mend(text: string): string {
    return this.#mend(text, false);
  }

  end(): string {
    return this.#mend("", true);
  }

  #mend(more: string, isLast: boolean): string {
    const clean = more.replace(forbidden, "\ufffd");
    if (clean !== more) this.mended = true;
    this.#text = this.#text.slice(this.#at) + clean;
    this.#at = 0;
    this.#isLast = isLast;
    let mended = "";
    for (let piece = this.#take(); piece !== undefined; piece = this.#take()) mended += piece;
    return mended;
  }

  /** The next piece of the text, mended; undefined when there is none, or when what follows decides what it means. */
  #take(): string | undefined {
    if (this.#at >= this.#text.length) return undefined;
    switch (this.#place) {
      case "begin":
        return this.#takeBegin();
      case "text":
        return this.#text[this.#at] === "<" ? this.#takeMark() : this.#takeEscaped(this.#find("<"));
      case "tag":
        return this.#takeTag();
      case '"':
      case "'":
        return this.#takeValue(this.#place);
      default:
        return this.#takeRaw(ends[this.#place]);
    }
  }

  /** Some programs print an empty line before their XML; its declaration must come first. */
  #takeBegin(): string {
    const blanks = /^\s*/.exec(this.#text)?.[0].length ?? 0;
    if (blanks < this.#text.length) this.#place = "text";
    this.#at = blanks;
    return "";
  }

  #takeMark(): string | undefined {
    const next = this.#text.slice(this.#at, this.#at + dataMark.length);
    const isCut =
      next.length === 1 || (next !== commentMark && [dataMark, commentMark].some((m) => m.startsWith(next)));
    if (isCut && next !== dataMark && !this.#isLast) return undefined;
    if (next === dataMark) return this.#enter("data", dataMark.length);
    if (next.startsWith(commentMark)) return this.#enter("comment", commentMark.length);
    if (next.startsWith("<?")) return this.#enter("instruction", 2);
    if (next.startsWith("<!")) {
      this.#declares = true;
      return this.#enter("text", 2);
    }
    if (/^<[/:\w\u0080-\uffff]/.test(next) && !/^<\d/.test(next)) return this.#takeTagAtOnce() ?? this.#enter("tag", 1);
    this.#at += 1;
    this.mended = true;
    return "&lt;";
  }

  #enter(place: Place, length: number): string {
    this.#place = place;
    return this.#advance(this.#at + length);
  }

  /** Nearly every tag: it is here to its end, and nothing in its values has to be escaped. */
  #takeTagAtOnce(): string | undefined {
    goodTag.lastIndex = this.#at;
    return goodTag.test(this.#text) ? this.#advance(goodTag.lastIndex) : undefined;
  }

  #takeTag(): string {
    const stop = this.#text.slice(this.#at).search(/["'>]/);
    if (stop === -1) return this.#advance(this.#text.length);
    const char = this.#text[this.#at + stop];
    return this.#enter(char === ">" ? "text" : (char as `"` | "'"), stop + 1);
  }

  #takeValue(quote: `"` | "'"): string | undefined {
    if (this.#text[this.#at] === quote) return this.#enter("tag", 1);
    const value = this.#takeEscaped(this.#find(quote));
    return value === undefined ? undefined : this.#note(value, value.replaceAll("<", "&lt;"));
  }

  #takeRaw(end: string): string | undefined {
    const found = this.#text.indexOf(end, this.#at);
    if (found !== -1) {
      this.#place = "text";
      return this.#advance(found + end.length);
    }
    // The last characters may be the beginning of the end.
    const stop = this.#isLast ? this.#text.length : this.#text.length - end.length + 1;
    return stop > this.#at ? this.#advance(stop) : undefined;
  }

  /** Text up to a place, or as far as it has come. */
  #takeEscaped(end: number): string | undefined {
    const stop = end === this.#text.length && !this.#isLast ? findHoldable(this.#text, this.#at) : end;
    if (stop <= this.#at) return undefined;
    const piece = this.#advance(stop);
    if (!/[&\]]/.test(piece)) return piece;
    const escaped = piece
      .replace(reference, (whole, decimal?: string, hexadecimal?: string) =>
        isAllowed(decimal === undefined ? Number.parseInt(hexadecimal ?? "", 16) : Number(decimal)) ? whole : "\ufffd",
      )
      .replace(this.#declares ? bareAmpersand : unknownEntity, "&amp;")
      .replaceAll("]]>", "]]&gt;");
    return this.#note(piece, escaped);
  }

  #find(mark: string): number {
    const found = this.#text.indexOf(mark, this.#at);
    return found === -1 ? this.#text.length : found;
  }

  #advance(to: number): string {
    const piece = this.#text.slice(this.#at, to);
    this.#at = to;
    return piece;
  }

  #note(before: string, after: string): string {
    if (before !== after) this.mended = true;
    return after;
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML forbids
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;
const goodTag = /<[^"'>]*(?:"[^"<&]*"[^"'>]*|'[^'<&]*'[^"'>]*)*>/y;
const reference = /&#(?:(\d+)|x([\da-fA-F]+));/g;
const bareAmpersand = /&(?![\w#][\w:.-]{0,30};)/g;
const unknownEntity = /&(?!(?:#\d+|#x[\da-fA-F]+|amp|lt|gt|quot|apos);)/g;
/** So many characters may belong to a reference. */
const longestReference = 40;

function isAllowed(code: number): boolean {
  if (code < 0x20) return code === 0x9 || code === 0xa || code === 0xd;
  return code <= 0x10ffff && !(code >= 0xd800 && code < 0xe000) && code !== 0xfffe && code !== 0xffff;
}

/** Where the end may be the beginning of `]]>` or of a reference whose rest is yet to come. */
function findHoldable(text: string, from: number): number {
  const length = text.length;
  const brackets = /\]{1,2}$/.exec(text.slice(Math.max(from, length - 2)))?.[0].length ?? 0;
  if (brackets > 0) return length - brackets;
  const ampersand = text.lastIndexOf("&");
  const isOpen = ampersand >= Math.max(from, length - longestReference) && !text.includes(";", ampersand);
  return isOpen ? ampersand : length;
}
