import type { Json } from "@multimaster/core";
import type { Key } from "../contract.ts";

/** PostgreSQL accepts less than 8000 bytes per notification. */
const MAX_BYTES = 7999;
/** Sender, number and punctuation. */
const FRAME_BYTES = 100;

/** The number of bytes left for a payload under this key. */
export function payloadRoom(key: Key): number {
  return MAX_BYTES - FRAME_BYTES - Buffer.byteLength(JSON.stringify(key));
}

/**
 * Packs one notification. It names the sender because a session receives its own notifications, and late ones of an earlier
 * session of the same bus. It has a number because PostgreSQL drops equal notifications of one transaction.
 */
export function packEnvelope(sender: string, number: number, key: Key, payloadText: string): string {
  const text = `{"s":"${sender}","n":${number},"k":${JSON.stringify(key)},"m":${payloadText}}`;
  if (Buffer.byteLength(text) > MAX_BYTES) throw new RangeError("the topic is too long for a notification");
  return text;
}

/** Undefined if another program wrote to the channel. */
export function unpackEnvelope(text: string): { sender: string; key: Key; payload: Json } | undefined {
  try {
    const { s, k, m } = JSON.parse(text) as { s?: unknown; k?: unknown; m?: Json };
    if (typeof s !== "string" || m === undefined || !Array.isArray(k)) return undefined;
    return k.every((part) => typeof part === "string") ? { sender: s, key: k, payload: m } : undefined;
  } catch {
    return undefined;
  }
}
