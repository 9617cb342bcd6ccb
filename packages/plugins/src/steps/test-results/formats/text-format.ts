import { TextDecoder } from "node:util";
import type { FileParser } from "./file-parser.ts";

/** Characters of a line that are read. */
const longestLine = 1024 * 1024;

/** Reads a file line by line. */
export interface LineReader {
  readonly contradictions: readonly string[];
  /** Without its line break. */
  readLine(line: string): void;
  close(): void;
}

/** A file of lines in UTF-8. Of a line that is too long, only the beginning is read. */
export class TextFormat implements FileParser {
  readonly mended = false;
  #decoder = new TextDecoder("utf-8");
  #reader: LineReader;
  /** Of a line that has not ended. */
  #begun = "";

  constructor(reader: LineReader) {
    this.#reader = reader;
  }

  write(block: Uint8Array): void {
    this.#take(this.#decoder.decode(block, { stream: true }));
  }

  end(): void {
    this.#take(this.#decoder.decode());
    if (this.#begun !== "") this.#readLine(this.#begun);
    this.#reader.close();
  }

  get contradictions(): readonly string[] {
    return this.#reader.contradictions;
  }

  #take(text: string): void {
    const lines = text.split("\n");
    lines[0] = (this.#begun + lines[0]).slice(0, longestLine);
    this.#begun = lines.pop() ?? "";
    for (const line of lines) this.#readLine(line);
  }

  #readLine(line: string): void {
    this.#reader.readLine(line.endsWith("\r") ? line.slice(0, -1) : line);
  }
}
