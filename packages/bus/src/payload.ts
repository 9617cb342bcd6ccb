import type { Json } from "@multimaster/core";

/** A payload ready to be sent, within the cap. */
export interface CappedPayload {
  readonly value: Json;
  /** `value` serialised. */
  readonly text: string;
}

/** Half of crossbar.io's usual limit, which leaves room for the envelope. */
export const DEFAULT_MAX_PAYLOAD = 512 * 1024;

const MAX_STRING = 256;

/** Serialises `payload`; above `maxBytes` it keeps only the small scalar fields, with `truncated: true`. */
export function capPayload(payload: Json, maxBytes: number): CappedPayload {
  const text = JSON.stringify(payload);
  if (text === undefined) throw new TypeError("a payload must be JSON");
  // A character takes at most three bytes of UTF-8, so most payloads need no byte count.
  if (text.length * 3 <= maxBytes || Buffer.byteLength(text) <= maxBytes) return { value: payload, text };
  const value = keepScalars(payload, maxBytes);
  return { value, text: JSON.stringify(value) };
}

/** Keeps numbers first: they are the ids by which the consumer finds the row, in case not all scalars fit. */
function keepScalars(payload: Json, maxBytes: number): Json {
  const kept: Record<string, Json> = { truncated: true };
  if (typeof payload !== "object" || payload === null || Array.isArray(payload)) return kept;
  let room = maxBytes - Buffer.byteLength(JSON.stringify(kept));
  const fields = Object.entries(payload).filter(([, value]) => isSmallScalar(value));
  for (const texts of [false, true]) {
    for (const [name, value] of fields) {
      if ((typeof value === "string") !== texts) continue;
      const size = Buffer.byteLength(`,${JSON.stringify(name)}:${JSON.stringify(value)}`);
      if (size > room) continue;
      room -= size;
      // Not an assignment, because a field may be named __proto__.
      Object.defineProperty(kept, name, { value, enumerable: true, configurable: true, writable: true });
    }
  }
  kept["truncated"] = true;
  return kept;
}

function isSmallScalar(value: Json): boolean {
  if (typeof value === "string") return value.length <= MAX_STRING;
  return value === null || typeof value === "boolean" || typeof value === "number";
}

/** Freezes a payload deeply, so that one subscriber cannot change what another receives. */
export function freezePayload(payload: Json): Json {
  const open: Json[] = [payload];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (typeof value !== "object" || value === null) continue;
    Object.freeze(value);
    for (const child of Object.values(value)) if (typeof child === "object" && child !== null) open.push(child);
  }
  return payload;
}
