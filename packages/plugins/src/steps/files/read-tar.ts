import { isUtf8 } from "node:buffer";
import { ArtifactRefused } from "../../step-errors.ts";

/** Receives the files of an archive, one after the other. */
export interface TarReceiver {
  /** A pipe or a device, which has no content. */
  skip(name: string, kind: string): Promise<void>;
  /** The name of the file that follows is not UTF-8: its other bytes are written in it as `%E9`. */
  noteEscaped(name: string): Promise<void>;
  /** A file begins; the name is as the archive has it. */
  begin(name: string, size: number): Promise<void>;
  write(block: Uint8Array): Promise<void>;
  end(): Promise<void>;
}

const blockSize = 512;
/** Bytes of a long name or of extended headers. */
const largestExtension = 64 * 1024;

type State =
  | { readonly kind: "header" }
  | { readonly kind: "file" | "extension" | "skip"; left: number; padding: number; readonly type: string }
  | { readonly kind: "over" };

/**
 * Reads a tar archive as it comes in, with bounded memory. It comes from a worker: links are refused, pipes and devices are
 * skipped, and what is no archive is refused.
 */
export class TarReader {
  #receiver: TarReceiver;
  #kept: Uint8Array = new Uint8Array();
  #state: State = { kind: "header" };
  #extension: Uint8Array[] = [];
  #longName: Uint8Array | undefined;
  #longSize: number | undefined;

  constructor(receiver: TarReceiver) {
    this.#receiver = receiver;
  }

  async write(block: Uint8Array): Promise<void> {
    let rest = this.#kept.length === 0 ? block : Buffer.concat([this.#kept, block]);
    this.#kept = new Uint8Array();
    while (rest.length > 0) {
      const state = this.#state;
      if (state.kind === "over") return;
      if (state.kind === "header") {
        if (rest.length < blockSize) {
          this.#kept = rest.slice();
          return;
        }
        await this.#readHeader(rest.subarray(0, blockSize));
        rest = rest.subarray(blockSize);
      } else {
        rest = rest.subarray(await this.#readContent(state, rest));
      }
    }
  }

  /** The worker has sent all; rejects if the archive is not complete. */
  async end(): Promise<void> {
    const isWhole = this.#state.kind === "over" || (this.#state.kind === "header" && this.#kept.length === 0);
    if (!isWhole) throw new ArtifactRefused("The worker's archive ends in the middle of a file.");
  }

  async #readHeader(header: Uint8Array): Promise<void> {
    if (header.every((byte) => byte === 0)) {
      this.#state = { kind: "over" };
      return;
    }
    checkHeader(header);
    const type = String.fromCharCode(header[156] ?? 0);
    const size = this.#longSize ?? readNumber(header.subarray(124, 136));
    const padding = (blockSize - (size % blockSize)) % blockSize;
    if (type === "x" || type === "L") {
      if (size > largestExtension) throw new ArtifactRefused("The worker's archive has a name that is too long.");
      return this.#enter({ kind: "extension", left: size, padding, type });
    }
    if (type === "g") return this.#enter({ kind: "skip", left: size, padding, type });
    const bytes = this.#longName ?? readName(header);
    const name = showName(bytes);
    this.#longName = undefined;
    this.#longSize = undefined;
    if (type === "5") return this.#enter({ kind: "skip", left: size, padding, type });
    const special = specialKinds[type];
    if (special !== undefined) {
      await this.#receiver.skip(name, special);
      return this.#enter({ kind: "skip", left: size, padding, type });
    }
    if (type !== "0" && type !== "\0" && type !== "7")
      throw new ArtifactRefused(
        name === "" && kinds[type] !== undefined
          ? "The directory is itself a link, which this worker does not follow: name the one that it leads to."
          : `The worker's archive has ${JSON.stringify(name.slice(0, 200))}, which is ${kinds[type] ?? "no file"}: only files and directories are taken.`,
      );
    if (!isUtf8(bytes)) await this.#receiver.noteEscaped(name);
    await this.#receiver.begin(name, size);
    await this.#enter({ kind: "file", left: size, padding, type });
  }

  async #enter(state: Exclude<State, { kind: "header" | "over" }>): Promise<void> {
    this.#extension = [];
    this.#state = state;
    if (state.left === 0) await this.#endContent(state);
  }

  /** Returns how many bytes it took. */
  async #readContent(state: Exclude<State, { kind: "header" | "over" }>, bytes: Uint8Array): Promise<number> {
    if (state.left > 0) {
      const piece = bytes.subarray(0, state.left);
      state.left -= piece.length;
      if (state.kind === "file") await this.#receiver.write(piece);
      else if (state.kind === "extension") this.#extension.push(piece.slice());
      if (state.left === 0) await this.#endContent(state);
      return piece.length;
    }
    const taken = Math.min(state.padding, bytes.length);
    state.padding -= taken;
    if (state.padding === 0) this.#state = { kind: "header" };
    return taken;
  }

  async #endContent(state: Exclude<State, { kind: "header" | "over" }>): Promise<void> {
    if (state.kind === "file") await this.#receiver.end();
    if (state.kind === "extension") this.#readExtension(state.type);
    if (state.padding === 0) this.#state = { kind: "header" };
  }

  #readExtension(type: string): void {
    const bytes = Buffer.concat(this.#extension);
    if (type === "L") {
      this.#longName = trimNul(bytes);
      return;
    }
    const records = readRecords(bytes);
    this.#longName = records.get("path") ?? this.#longName;
    const size = records.get("size")?.toString("latin1");
    if (size !== undefined && /^\d{1,15}$/.test(size)) this.#longSize = Number(size);
  }
}

const kinds: Readonly<Record<string, string>> = { "1": "a link", "2": "a link" };
const specialKinds: Readonly<Record<string, string>> = { "3": "device", "4": "device", "6": "pipe" };

/** The sum of a header's bytes, its own field taken for spaces. */
function checkHeader(header: Uint8Array): void {
  const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0);
  if (sum !== readNumber(header.subarray(148, 156)))
    throw new ArtifactRefused("The worker sent no valid archive (a header's checksum is wrong).");
}

/** Octal digits, or with the highest bit set a binary number. */
function readNumber(field: Uint8Array): number {
  const [first = 0] = field;
  if ((first & 0x80) !== 0) {
    const value = field.slice(1).reduce((total, byte) => total * 256 + byte, first & 0x7f);
    if (value > Number.MAX_SAFE_INTEGER)
      throw new ArtifactRefused("The worker sent no valid archive (a size is too large).");
    return value;
  }
  const text = trimNul(field).toString("latin1").trim();
  if (!/^[0-7]*$/.test(text)) throw new ArtifactRefused("The worker sent no valid archive (a number is wrong).");
  return text === "" ? 0 : Number.parseInt(text, 8);
}

function readName(header: Uint8Array): Uint8Array {
  const name = trimNul(header.subarray(0, 100));
  const isUstar = Buffer.from(header.subarray(257, 262)).toString("latin1") === "ustar";
  const prefix = isUstar && header[262] === 0 ? trimNul(header.subarray(345, 500)) : Buffer.alloc(0);
  return prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from("/"), name]);
}

function trimNul(bytes: Uint8Array): Buffer {
  const end = bytes.indexOf(0);
  return Buffer.from(end === -1 ? bytes : bytes.subarray(0, end));
}

/** The text of a name. Bytes that are no UTF-8 stay different from each other. */
function showName(name: Uint8Array): string {
  if (isUtf8(name)) return Buffer.from(name).toString();
  let text = "";
  for (let at = 0; at < name.length; ) {
    const length = [1, 2, 3, 4].find((n) => at + n <= name.length && isUtf8(name.subarray(at, at + n)));
    text += length === undefined ? `%${hexOf(name[at] ?? 0)}` : Buffer.from(name.subarray(at, at + length)).toString();
    at += length ?? 1;
  }
  return text;
}

const hexOf = (byte: number) => byte.toString(16).toUpperCase().padStart(2, "0");

/** Records of the form "LENGTH KEY=VALUE\n". */
function readRecords(bytes: Buffer): Map<string, Buffer> {
  const records = new Map<string, Buffer>();
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(32, at);
    const length = space === -1 ? Number.NaN : Number(bytes.toString("latin1", at, space));
    if (!Number.isInteger(length) || length <= space - at || at + length > bytes.length)
      throw new ArtifactRefused("The worker sent no valid archive (an extended header is wrong).");
    const record = bytes.subarray(space + 1, at + length - 1);
    const equals = record.indexOf("=");
    if (equals > 0) records.set(record.toString("latin1", 0, equals), record.subarray(equals + 1));
    at += length;
  }
  return records;
}
