import { TextDecoder } from "node:util";
import { NotJunit } from "./junit-parser.ts";

/** Turns the blocks of an XML file into text, in the encoding that the file says it has. */
export class XmlDecoder {
  #decoder: TextDecoder | undefined;

  /** Throws NotJunit when nobody knows the encoding. */
  decode(block: Uint8Array): string {
    this.#decoder ??= new TextDecoder(encodingOf(block));
    return this.#decoder.decode(block, { stream: true });
  }

  end(): string {
    return this.#decoder?.decode() ?? "";
  }
}

function encodingOf(block: Uint8Array): string {
  if (block[0] === 0xff && block[1] === 0xfe) return "utf-16le";
  if (block[0] === 0xfe && block[1] === 0xff) return "utf-16be";
  const start = Buffer.from(block.subarray(0, 200)).toString("latin1");
  const name = /^<\?xml[^>]*\sencoding\s*=\s*["']([\w.:-]+)["']/.exec(start)?.[1] ?? "utf-8";
  try {
    return new TextDecoder(name).encoding;
  } catch {
    throw new NotJunit(`nobody knows its encoding "${name}"`);
  }
}
