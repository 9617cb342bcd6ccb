import { decode, encode } from "@msgpack/msgpack";
import { type FrameLimits, findExcess } from "./frame-depth.ts";

/** Maximum size of a received frame; one `update` may contain one very long line. */
export const maxFrameBytes = 64 * 1024 * 1024;

/** One message of the protocol: a map with string keys. */
export type Message = { readonly [key: string]: unknown };

/** The other end sent something that is not a message of this protocol. */
export class BadFrame extends Error {
  override name = "BadFrame";
}

// Counts are capped well below what 64 MiB could announce, so that a false length cannot make the decoder allocate it.
const decodeOptions = {
  maxStrLength: maxFrameBytes,
  maxBinLength: maxFrameBytes,
  maxArrayLength: 1_000_000,
  maxMapLength: 100_000,
  maxExtLength: 1024,
};

/** Real messages have at most five levels, and two values per line of output. */
const frameLimits: FrameLimits = { maxDepth: 64, maxValues: 1_000_000 };

/** Packs a message; fields that are `undefined` are omitted, because Python distinguishes "missing" from "None". */
export function encodeFrame(message: Message): Uint8Array {
  return encode(makeWellFormed(message), { ignoreUndefined: true });
}

/** Unpacks a message or throws `BadFrame` with a message. Text that is not UTF-8 is decoded with replacement characters. */
export function decodeFrame(bytes: Uint8Array): Message {
  const excess = findExcess(bytes, frameLimits);
  if (excess !== undefined) throw new BadFrame(`a frame of ${bytes.length} bytes ${excess}`);
  let value: unknown;
  try {
    value = decode(bytes, decodeOptions);
  } catch (error) {
    throw new BadFrame(`a frame of ${bytes.length} bytes is not MessagePack`, { cause: error });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Uint8Array) {
    throw new BadFrame(`a frame of ${bytes.length} bytes is not a MessagePack map`);
  }
  return value as Message;
}

/**
 * Replaces lone surrogates, which would be packed as bytes that are not UTF-8: Python's worker drops the connection on them.
 * Returns the same value if there is nothing to replace, which is nearly always.
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
