import { decode, encode } from "@msgpack/msgpack";

/** Largest frame accepted from the other end; one `update` may hold one very long line. */
export const maxFrameBytes = 64 * 1024 * 1024;

/** One message of the protocol: a map with string keys. */
export type Message = { readonly [key: string]: unknown };

/** The other end sent something that is no message of this protocol. */
export class BadFrame extends Error {
  override name = "BadFrame";
}

// Counts are capped well below what 64 MiB could announce, so that a lying length cannot make the decoder allocate it.
const decodeOptions = {
  maxStrLength: maxFrameBytes,
  maxBinLength: maxFrameBytes,
  maxArrayLength: 4_000_000,
  maxMapLength: 100_000,
  maxExtLength: 1024,
};

/** Deepest nesting accepted; real messages have five levels. */
const maxDepth = 64;

/** Packs a message; fields that are `undefined` are left out, as Python tells "missing" from "None". */
export function encodeFrame(message: Message): Uint8Array {
  return encode(makeWellFormed(message), { ignoreUndefined: true });
}

/** Unpacks a message or throws `BadFrame` with a sentence. Text that is not UTF-8 is decoded with replacement characters. */
export function decodeFrame(bytes: Uint8Array): Message {
  checkDepth(bytes);
  let value: unknown;
  try {
    value = decode(bytes, decodeOptions);
  } catch (error) {
    throw new BadFrame(`a frame of ${bytes.length} bytes is no MessagePack`, { cause: error });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Uint8Array) {
    throw new BadFrame(`a frame of ${bytes.length} bytes holds no MessagePack map`);
  }
  return value as Message;
}

/**
 * Half a surrogate pair would be packed as bytes that are no UTF-8, and Python's worker drops the connection on them.
 * Returns the same value when there is nothing to replace, which is nearly always.
 */
function makeWellFormed(value: unknown): unknown {
  if (typeof value === "string") return lone.test(value) ? value.replace(loneGlobal, "\ufffd") : value;
  if (Array.isArray(value)) {
    if (typeof value[0] === "number") return value;
    let changed: unknown[] | undefined;
    value.forEach((item, index) => {
      const fixed = makeWellFormed(item);
      if (fixed === item) return;
      changed ??= [...(value as unknown[])];
      changed[index] = fixed;
    });
    return changed ?? value;
  }
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  let changed: Record<string, unknown> | undefined;
  for (const [key, item] of Object.entries(value)) {
    const fixed = makeWellFormed(item);
    if (fixed === item) continue;
    changed ??= { ...value };
    changed[key] = fixed;
  }
  return changed ?? value;
}

const lone = /\p{Surrogate}/u;
const loneGlobal = /\p{Surrogate}/gu;

/**
 * Refuses frames that nest without end: 64 MiB of "array of one" would take the decoder gigabytes. Lengths are not
 * checked here; the decoder does that.
 */
function checkDepth(bytes: Uint8Array): void {
  const open: number[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const u16 = (): number => (at + 2 < bytes.length ? view.getUint16(at + 1) : 0);
  const u32 = (): number => (at + 4 < bytes.length ? view.getUint32(at + 1) : 0);
  while (at < bytes.length) {
    const head = bytes[at] ?? 0;
    let items = 0;
    if (head <= 0x7f || head >= 0xe0) at += 1;
    else if (head <= 0x8f) ((items = 2 * (head & 15)), (at += 1));
    else if (head <= 0x9f) ((items = head & 15), (at += 1));
    else if (head <= 0xbf) at += 1 + (head & 31);
    else if (head === 0xc4 || head === 0xd9) at += 2 + (bytes[at + 1] ?? 0);
    else if (head === 0xc5 || head === 0xda) at += 3 + u16();
    else if (head === 0xc6 || head === 0xdb) at += 5 + u32();
    else if (head === 0xc7) at += 3 + (bytes[at + 1] ?? 0);
    else if (head === 0xc8) at += 4 + u16();
    else if (head === 0xc9) at += 6 + u32();
    else if (head === 0xdc) ((items = u16()), (at += 3));
    else if (head === 0xdd) ((items = u32()), (at += 5));
    else if (head === 0xde) ((items = 2 * u16()), (at += 3));
    else if (head === 0xdf) ((items = 2 * u32()), (at += 5));
    else at += fixedSizes[head] ?? 1;
    const top = open.length - 1;
    if (top >= 0) open[top] = (open[top] ?? 0) - 1;
    if (items > 0) open.push(items);
    while (open.length > 0 && open[open.length - 1] === 0) open.pop();
    if (open.length > maxDepth) throw new BadFrame(`a frame of ${bytes.length} bytes nests deeper than ${maxDepth} levels`);
    if (open.length === 0) return;
  }
}

/** Bytes of the remaining MessagePack types, head included. */
const fixedSizes: Record<number, number> = {
  0xca: 5, 0xcb: 9, 0xcc: 2, 0xcd: 3, 0xce: 5, 0xcf: 9, 0xd0: 2, 0xd1: 3, 0xd2: 5, 0xd3: 9,
  0xd4: 3, 0xd5: 4, 0xd6: 6, 0xd7: 10, 0xd8: 18,
};
