import { BananaFloat, type BananaLimits, BananaViolation, type Expression, types } from "./banana.ts";
import { wordOf } from "./vocabulary.ts";

/** Digits of a length or count, and of an integer. */
const maxLengthDigits = 3;
const maxDigits = 10;
/** Digits whose value is exact as a number. */
const exactDigits = 7;

/** A string of which a part has arrived. */
interface PendingString {
  readonly type: number;
  readonly length: number;
  /** Grows as content arrives. */
  bytes: Buffer;
  got: number;
}

/**
 * Parses expressions from pieces of any size. It keeps at most one incomplete expression, counts before it builds, and
 * allocates for received bytes only, never for an announced length.
 */
export class BananaDecoder {
  limits: BananaLimits;
  /** Words may be sent as numbers: the dialect `pb` was chosen. */
  usesVocabulary = false;
  #digits: number[] = [];
  #open: { items: Expression[]; left: number }[] = [];
  #string: PendingString | undefined;
  #nodes = 0;
  #bytes = 0;
  #onExpression: (expression: Expression, bytes: number) => void;

  constructor(limits: BananaLimits, onExpression: (expression: Expression, bytes: number) => void) {
    this.limits = limits;
    this.#onExpression = onExpression;
  }

  /** A part of an expression has arrived. */
  get isWithin(): boolean {
    return this.#open.length > 0 || this.#string !== undefined || this.#digits.length > 0;
  }

  /** Parses further bytes. Throws BananaViolation; nothing may be fed after that. */
  feed(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#string !== undefined) {
        at = this.#takeContent(chunk, at);
        continue;
      }
      const byte = chunk[at] as number;
      at += 1;
      this.#countBytes(1);
      if (byte >= 0x80) at = this.#takeType(byte, chunk, at);
      else if (this.#digits.push(byte) > maxDigits)
        throw new BananaViolation(`a number has more than ${maxDigits} digits`);
    }
  }

  /** Returns where parsing continues. */
  #takeType(type: number, chunk: Buffer, at: number): number {
    const digits = this.#digits;
    this.#digits = [];
    this.#nodes += 1;
    if (this.#nodes > this.limits.nodes)
      throw new BananaViolation(`an expression has more than ${this.limits.nodes} values`);
    switch (type) {
      case types.list:
        this.#openList(this.#readLength(digits, this.limits.listItems, "elements in one list"));
        return at;
      case types.string:
        return this.#openString(
          type,
          this.#readLength(digits, this.limits.stringBytes, "bytes in one string"),
          chunk,
          at,
        );
      case types.float:
        if (digits.length > 0) throw new BananaViolation("a float has digits before its type");
        return this.#openString(type, 8, chunk, at);
      case types.int:
      case types.longInt:
        this.#add(readInteger(digits, false));
        return at;
      case types.neg:
      case types.longNeg:
        this.#add(readInteger(digits, true));
        return at;
      case types.vocabulary: {
        const word = this.usesVocabulary ? wordOf(this.#readLength(digits, 31, "in the vocabulary")) : undefined;
        if (word === undefined) throw new BananaViolation("a word is not in the vocabulary");
        this.#add(word);
        return at;
      }
      default:
        throw new BananaViolation(`the type 0x${type.toString(16)} does not exist`);
    }
  }

  #readLength(digits: readonly number[], max: number, what: string): number {
    if (digits.length > maxLengthDigits) throw new BananaViolation(`a length has more than ${maxLengthDigits} digits`);
    const length = Number(readInteger(digits, false));
    if (length > max) throw new BananaViolation(`${length} ${what}, where at most ${max} are allowed`);
    return length;
  }

  #openList(count: number): void {
    // A count that the remaining values cannot fill is refused before its first element.
    if (this.#nodes + count > this.limits.nodes)
      throw new BananaViolation(`an expression has more than ${this.limits.nodes} values`);
    if (this.#open.length >= this.limits.depth)
      throw new BananaViolation(`lists are nested deeper than ${this.limits.depth} levels`);
    if (count === 0) this.#add([]);
    else this.#open.push({ items: [], left: count });
  }

  #openString(type: number, length: number, chunk: Buffer, at: number): number {
    this.#countBytes(length);
    const end = at + length;
    if (end <= chunk.length) {
      this.#addContent(type, chunk.subarray(at, end));
      return end;
    }
    this.#string = { type, bytes: Buffer.alloc(0), got: 0, length };
    return at;
  }

  /** Copies what has arrived: a peer that sends single bytes must not make this keep an object for each. */
  #takeContent(chunk: Buffer, at: number): number {
    const string = this.#string as PendingString;
    const size = Math.min(string.length - string.got, chunk.length - at);
    if (string.got + size > string.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(
        Math.min(string.length, Math.max(2 * string.bytes.length, string.got + size)),
      );
      string.bytes.copy(grown, 0, 0, string.got);
      string.bytes = grown;
    }
    chunk.copy(string.bytes, string.got, at, at + size);
    string.got += size;
    if (string.got === string.length) {
      this.#string = undefined;
      this.#addContent(string.type, string.bytes);
    }
    return at + size;
  }

  #addContent(type: number, bytes: Buffer): void {
    this.#add(type === types.float ? new BananaFloat(bytes.readDoubleBE(0)) : bytes);
  }

  #add(value: Expression): void {
    let item = value;
    for (let list = this.#open.at(-1); list !== undefined; list = this.#open.at(-1)) {
      list.items.push(item);
      list.left -= 1;
      if (list.left > 0) return;
      this.#open.pop();
      item = list.items;
    }
    const bytes = this.#bytes;
    this.#nodes = 0;
    this.#bytes = 0;
    this.#onExpression(item, bytes);
  }

  #countBytes(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.limits.bytes)
      throw new BananaViolation(`an expression is longer than ${this.limits.bytes} bytes`);
  }
}

function readInteger(digits: readonly number[], negative: boolean): number | bigint {
  if (digits.length <= exactDigits) {
    let value = 0;
    for (let n = digits.length - 1; n >= 0; n -= 1) value = value * 128 + (digits[n] as number);
    return negative && value !== 0 ? -value : value;
  }
  let value = 0n;
  for (let n = digits.length - 1; n >= 0; n -= 1) value = value * 128n + BigInt(digits[n] as number);
  if (negative) value = -value;
  const exact = Number(value);
  return Number.isSafeInteger(exact) ? exact : value;
}
