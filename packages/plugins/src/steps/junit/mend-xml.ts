/**
 * Corrects common errors of writers to make valid XML: colour codes and other forbidden characters, references to these, and
 * unescaped `&` and `<`. The parser reports all other errors.
 */
export class XmlMender {
  /** Whether anything was corrected. */
  mended = false;
  #isData = false;
  #held = "";

  mend(text: string): string {
    return this.#mend(this.#held + text, false);
  }

  end(): string {
    return this.#mend(this.#held, true);
  }

  #mend(text: string, isLast: boolean): string {
    const stop = isLast ? text.length : findHoldable(text);
    this.#held = text.slice(stop);
    let mended = "";
    for (let at = 0; at < stop; ) {
      const mark = this.#isData ? "]]>" : "<![CDATA[";
      const found = text.indexOf(mark, at);
      const end = found === -1 || found >= stop ? stop : found + mark.length;
      const piece = text.slice(at, end);
      mended += this.#isData ? this.#replace(piece) : this.#escape(this.#replace(piece));
      if (end !== stop || (found !== -1 && found + mark.length === stop)) this.#isData = !this.#isData;
      at = end;
    }
    return mended;
  }

  #replace(piece: string): string {
    return this.#note(piece, piece.replace(forbidden, "\ufffd"));
  }

  #escape(piece: string): string {
    const escaped = piece
      .replace(reference, (whole, decimal?: string, hexadecimal?: string) =>
        isAllowed(decimal === undefined ? Number.parseInt(hexadecimal ?? "", 16) : Number(decimal)) ? whole : "\ufffd",
      )
      .replace(/&(?![\w#][\w:.-]{0,30};)/g, "&amp;")
      .replace(/<(?=[\s\d=<>&;,."'(){}[\]|+*-])/g, "&lt;");
    return this.#note(piece, escaped);
  }

  #note(before: string, after: string): string {
    if (before !== after) this.mended = true;
    return after;
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML forbids
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;
const reference = /&#(?:(\d{1,10})|x([\da-fA-F]{1,8}));/g;

function isAllowed(code: number): boolean {
  if (code < 0x20) return code === 0x9 || code === 0xa || code === 0xd;
  return code <= 0x10ffff && !(code >= 0xd800 && code < 0xe000) && code !== 0xfffe && code !== 0xffff;
}

/** The position from which the end may be an incomplete mark or reference. */
function findHoldable(text: string): number {
  for (let i = text.length - 1; i >= Math.max(0, text.length - 40); i -= 1) {
    const char = text[i];
    if (char === "&" || char === "<" || char === "]") {
      // "]]" may be followed by ">".
      return char === "]" && text[i - 1] === "]" ? i - 1 : i;
    }
    if (char === ";" || char === ">") return text.length;
  }
  return text.length;
}
