import type { Json } from "@multimaster/core";
import type { Key } from "../contract.ts";
import { toWakeup, type Wakeup } from "./wakeup.ts";

/** PostgreSQL takes less than 8000 bytes per notification. */
const maxBytes = 7999;
/** Sender and punctuation. */
const frameBytes = 60;

/** What one notification holds: wake-ups, or the request to send them also to one whose router is away. */
export interface WakeupText {
  readonly sender: string;
  readonly asks: boolean;
  readonly wakeups: readonly Wakeup[];
}

/** Writes wake-ups into as few notifications as they fit in. */
export function packWakeups(sender: string, wakeups: readonly Wakeup[]): string[] {
  const texts: string[] = [];
  let parts: string[] = [];
  let room = maxBytes - frameBytes;
  const close = () => {
    if (parts.length > 0) texts.push(`{"s":"${sender}","w":[${parts.join(",")}]}`);
    parts = [];
    room = maxBytes - frameBytes;
  };
  for (const { key, payload } of wakeups) {
    const part = JSON.stringify([key, payload]);
    const size = Buffer.byteLength(part) + 1;
    if (size > room) close();
    parts.push(part);
    room -= size;
  }
  close();
  return texts;
}

/** Asks the other masters to send their wake-ups through PostgreSQL, too. */
export function packRequest(sender: string): string {
  return `{"s":"${sender}","ask":true}`;
}

/** Undefined when something else was written to the channel. */
export function unpackWakeups(text: string): WakeupText | undefined {
  try {
    const { s, ask, w = [] } = JSON.parse(text) as { s?: unknown; ask?: unknown; w?: unknown };
    if (typeof s !== "string" || !Array.isArray(w)) return undefined;
    const wakeups = w.filter(isEntry).flatMap(([key, payload]) => toWakeup(key, payload) ?? []);
    return { sender: s, asks: ask === true, wakeups };
  } catch {
    return undefined;
  }
}

function isEntry(value: unknown): value is [Key, Json] {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    Array.isArray(value[0]) &&
    value[0].length > 0 &&
    value[0].every((part) => typeof part === "string")
  );
}
