import type { Json } from "@multimaster/core";
import type { Key } from "../contract.ts";

/** A topic on which something was published, and the ids that the message named. */
export interface Wakeup {
  readonly key: Key;
  readonly payload: WakeupPayload;
}

/** What is left of a payload: its integers, which are ids or no one's business. The rows have the rest. */
export type WakeupPayload = Readonly<Record<string, number | true>>;

const maxIds = 16;
const nameForm = /^[a-z]\w{0,39}$/i;
/** A longer topic names no object of ours. */
const maxKeyLength = 1000;

/**
 * Undefined for what is no wake-up: what masters send each other about their leases is in no row, so it counts only with
 * its payload, and comes through the router only.
 */
export function toWakeup(key: Key, payload: Json): Wakeup | undefined {
  if (key[0] === "leases" || key.join(".").length > maxKeyLength) return undefined;
  return { key, payload: { truncated: true, ...idsOf(payload) } };
}

function idsOf(payload: Json): Record<string, number> {
  if (typeof payload !== "object" || payload === null || Array.isArray(payload)) return {};
  const ids = Object.entries(payload).filter(
    (entry): entry is [string, number] => Number.isSafeInteger(entry[1]) && nameForm.test(entry[0]),
  );
  return Object.fromEntries(ids.slice(0, maxIds));
}
