import { TextDecoder } from "node:util";
import { NotJunit } from "./junit-parser.ts";

/** Decodes the blocks of an XML file to text, in the encoding that the file declares. */
export class XmlDecoder {
  #decoder: TextDecoder | undefined;
  /** The first bytes, kept until the encoding is known. */
  #begin: Uint8Array = new Uint8Array();

  /** Throws NotJunit for an unknown encoding. */
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

/** Maximum length in bytes of the XML declaration. */
const longestDeclaration = 400;

function encodingOf(block: Uint8Array): string {
  if (block[0] === 0xff && block[1] === 0xfe) return "utf-16le";
  if (block[0] === 0xfe && block[1] === 0xff) return "utf-16be";
  // UTF-16 without a byte order mark: each of the first letters has an empty byte.
  if (block[0] === 0x3c && block[1] === 0) return "utf-16le";
  if (block[0] === 0 && block[1] === 0x3c) return "utf-16be";
  const start = Buffer.from(block.subarray(0, longestDeclaration)).toString("latin1");
  const name = /^(?:\xef\xbb\xbf)?<\?xml[^>]*\sencoding\s*=\s*["']([\w.:-]+)["']/.exec(start)?.[1] ?? "utf-8";
  try {
    const { encoding } = new TextDecoder(name);
    // A single-byte declaration is not UTF-16: a writer has copied the name, but not the encoding.
    return encoding.startsWith("utf-16") ? "utf-8" : encoding;
  } catch {
    throw new NotJunit(`its encoding "${name.slice(0, 50)}" is unknown`);
  }
}
