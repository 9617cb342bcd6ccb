import { TextDecoder } from "node:util";

/** Progress bars made of carriage returns, cursor movements and backspaces become lines, as with MessagePack. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is about control characters
const newlines = /\r\n|\r(?=.)|\u001b\[u|\u001b\[[0-9]+;[0-9]+[Hf]|\u001b\[2J|\u0008+/g;
/** Longest sequence that may be cut by the end of a piece, beside backspaces. */
const longestSequence = 16;
/** Characters of an unfinished line that are kept; beyond them it is cut. */
const maxTail = 1_000_000;

/**
 * Makes whole lines of one stream. Workers before 3.8 send output as it was read, and those on Python 2 bytes, so that lines and
 * characters are split between pieces. What newer workers send, whole lines, passes unchanged.
 */
export class WholeLines {
  #tail = "";
  #decoder: TextDecoder | undefined;

  /** Returns the lines that are complete. */
  add(piece: string | Uint8Array): string {
    const text = typeof piece === "string" ? this.#endBytes() + piece : this.#decode(piece);
    // Nearly always: whole lines without control characters.
    if (this.#tail === "" && text.endsWith("\n")) return splitLines(text);
    const from = Math.max(0, this.#tail.length - longestSequence);
    this.#tail += text;
    const end = Math.max(this.#tail.lastIndexOf("\n") + 1, findLastBreak(this.#tail, from));
    const cut = end === 0 && this.#tail.length > maxTail ? this.#tail.length : end;
    const lines = this.#tail.slice(0, cut);
    this.#tail = this.#tail.slice(cut);
    // What follows a carriage return at the end was seen, but is not in these lines.
    return endLine(splitLines(lines.endsWith("\r") ? `${lines.slice(0, -1)}\n` : lines));
  }

  /** Returns the unfinished line at the end of the stream. */
  end(): string {
    const rest = this.#tail + this.#endBytes();
    this.#tail = "";
    return endLine(splitLines(rest));
  }

  #decode(bytes: Uint8Array): string {
    this.#decoder ??= new TextDecoder("utf-8", { ignoreBOM: true });
    return this.#decoder.decode(bytes, { stream: true });
  }

  #endBytes(): string {
    const rest = this.#decoder?.decode() ?? "";
    this.#decoder = undefined;
    return rest;
  }
}

function splitLines(text: string): string {
  return text.replace(newlines, "\n");
}

function endLine(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

/** The end of the last break that what follows cannot make longer; 0 if there is none. */
function findLastBreak(text: string, from: number): number {
  let end = 0;
  newlines.lastIndex = from;
  for (let match = newlines.exec(text); match !== null; match = newlines.exec(text))
    if (newlines.lastIndex < text.length) end = newlines.lastIndex;
  newlines.lastIndex = 0;
  return end;
}
