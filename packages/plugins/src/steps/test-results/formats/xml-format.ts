import { XmlDecoder } from "./decode-xml.ts";
import type { FileParser } from "./file-parser.ts";
import { XmlMender } from "./mend-xml.ts";

/** Reads the text of an XML file. */
export interface XmlReader {
  readonly contradictions: readonly string[];
  write(text: string): void;
  close(): void;
}

/** A file of XML, in whatever encoding, with what its writer forgot to escape. */
export class XmlFormat implements FileParser {
  #decoder = new XmlDecoder();
  #mender = new XmlMender();
  #reader: XmlReader;

  constructor(reader: XmlReader) {
    this.#reader = reader;
  }

  write(block: Uint8Array): void {
    this.#reader.write(this.#mender.mend(this.#decoder.decode(block)));
  }

  end(): void {
    this.#reader.write(this.#mender.mend(this.#decoder.end()) + this.#mender.end());
    this.#reader.close();
  }

  get contradictions(): readonly string[] {
    return this.#reader.contradictions;
  }

  get mended(): boolean {
    return this.#mender.mended;
  }
}
