import { TextDecoder } from "node:util";
import { BadReport } from "./reported-test.ts";

/** Turns the blocks of an XML file into text, in the encoding that the file says it has. */
export class XmlDecoder {
  #decoder: TextDecoder | undefined;
  /** Until it is known how the file begins. */
  #begin: Uint8Array = new Uint8Array();

  /** Throws BadReport when no one knows the encoding. */
  decode(block: Uint8Array): string {
    if (this.#decoder) return this.#decoder.decode(block, { stream: true });
    this.#begin = Buffer.concat([this.#begin, block]);
    if (this.#begin.length < longestDeclaration && !Buffer.from(this.#begin).includes(">")) return "";
    return this.#decodeBegin();
  }

  end(): string {
    const begin = this.#decoder ? "" : this.#decodeBegin();
    return begin + (this.#decoder?.decode() ?? "");
  }

  #decodeBegin(): string {
    this.#decoder = new TextDecoder(encodingOf(this.#begin));
    return this.#decoder.decode(this.#begin, { stream: true });
  }
}

/** Bytes in which the declaration has ended, if there is one. */
const longestDeclaration = 400;

/** Bytes that say such a name one by one are no wide characters: a writer took over the name and not the encoding. */
const wideName = /^(?:utf-?32|ucs-?4|iso-10646-ucs-4)/i;

function encodingOf(block: Uint8Array): string {
  if (block[0] === 0xff && block[1] === 0xfe) return "utf-16le";
  if (block[0] === 0xfe && block[1] === 0xff) return "utf-16be";
  // Without its mark, but then each of its first letters has an empty byte.
  if (block[0] !== 0 && block[1] === 0) return "utf-16le";
  if (block[0] === 0 && block[1] !== 0) return "utf-16be";
  const start = Buffer.from(block.subarray(0, longestDeclaration)).toString("latin1");
  const name = /^(?:\xef\xbb\xbf)?\s*<\?xml[^>]*\sencoding\s*=\s*["']([\w.:-]+)["']/.exec(start)?.[1] ?? "utf-8";
  try {
    const { encoding } = new TextDecoder(name);
    return encoding.startsWith("utf-16") ? "utf-8" : encoding;
  } catch {
    if (wideName.test(name)) return "utf-8";
    throw new BadReport(`its encoding "${name.slice(0, 50)}" is unknown`);
  }
}
