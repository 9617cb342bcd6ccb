import { BananaFloat, type Encodable, maxStringBytes, types } from "./banana.ts";
import { numberOf } from "./vocabulary.ts";

/** Packs an expression; with `usesVocabulary` known words are sent as numbers. */
export function encodeBanana(expression: Encodable, usesVocabulary: boolean): Buffer {
  const pieces: Uint8Array[] = [];
  write(expression, usesVocabulary, pieces);
  return Buffer.concat(pieces);
}

function write(value: Encodable, usesVocabulary: boolean, pieces: Uint8Array[]): void {
  if (typeof value === "number" || typeof value === "bigint") pieces.push(encodeInteger(value));
  else if (typeof value === "string") writeString(Buffer.from(value, "utf8"), usesVocabulary, pieces);
  else if (value instanceof Uint8Array)
    writeString(Buffer.from(value.buffer, value.byteOffset, value.length), usesVocabulary, pieces);
  else if (value instanceof BananaFloat) {
    const bytes = Buffer.alloc(9);
    bytes[0] = types.float;
    bytes.writeDoubleBE(value.value, 1);
    pieces.push(bytes);
  } else {
    pieces.push(encodeHead(value.length, types.list));
    for (const item of value) write(item, usesVocabulary, pieces);
  }
}

function writeString(bytes: Buffer, usesVocabulary: boolean, pieces: Uint8Array[]): void {
  const number = usesVocabulary ? numberOf(bytes) : undefined;
  if (number !== undefined) {
    pieces.push(encodeHead(number, types.vocabulary));
    return;
  }
  // The worker would drop the connection, and with it all its commands.
  if (bytes.length > maxStringBytes) throw new RangeError(`a string of ${bytes.length} bytes cannot be sent with pb`);
  pieces.push(encodeHead(bytes.length, types.string), bytes);
}

function encodeInteger(value: number | bigint): Buffer {
  if (typeof value === "number" && !Number.isInteger(value)) throw new RangeError(`${value} is no integer`);
  const negative = value < 0;
  const size = negative ? -value : value;
  if (negative) return encodeHead(size, size <= 0x8000_0000 ? types.neg : types.longNeg);
  return encodeHead(size, size <= 0x7fff_ffff ? types.int : types.longInt);
}

/** A number in base 128, least significant digit first, and the type. */
function encodeHead(number: number | bigint, type: number): Buffer {
  const bytes: number[] = [];
  let left = BigInt(number);
  if (number <= 0x7fff_ffff) {
    for (let small = Number(number); ; small >>>= 7) {
      bytes.push(small & 127);
      if (small < 128) break;
    }
  } else for (; left > 0n; left >>= 7n) bytes.push(Number(left & 127n));
  bytes.push(type);
  return Buffer.from(bytes);
}
