import type { Bus, BusMessage, Key, Pattern } from "@multimaster/bus";
import type { Json } from "@multimaster/core";
import { waitFor } from "../harness/wait-for.ts";

/** What a subscriber of a test has been given so far. */
export interface Inbox {
  readonly messages: BusMessage[];
  readonly subscription: { unsubscribe(): Promise<void> };
  payloads(): Json[];
  /** Resolves when so many messages are there. */
  count(n: number): Promise<void>;
}

/** Whether a key has as many parts as the pattern, each equal or asked for with `null`. */
function matches(pattern: Pattern, key: Key): boolean {
  return pattern.length === key.length && pattern.every((part, i) => part === null || part === key[i]);
}

/** Subscribes and keeps what comes; fails on what the pattern does not ask for. */
export async function listen(bus: Bus, pattern: Pattern): Promise<Inbox> {
  const messages: BusMessage[] = [];
  const subscription = await bus.subscribe(pattern, (message) => {
    if (!matches(pattern, message.key)) throw new Error(`${message.key.join(".")} was not asked for`);
    messages.push(message);
  });
  return {
    messages,
    subscription,
    payloads: () => messages.map((message) => message.payload),
    async count(n) {
      await waitFor(() => messages.length >= n, {
        what: `${n} messages for ${JSON.stringify(pattern)}`,
        intervalMs: 10,
      });
    },
  };
}
