import type { Logger } from "@multimaster/core";
import { append } from "@multimaster/core";
import type { BusMessage, Key, MessageHandler, Pattern, Publisher } from "./contract.ts";
import type { Interest } from "./interest.ts";
import { patternText } from "./key.ts";

interface Subscriber {
  readonly handler: MessageHandler;
  active: boolean;
}

interface Entry {
  readonly pattern: Pattern;
  readonly subscribers: Set<Subscriber>;
}

/**
 * The subscribers of this process and the queue their messages wait in. Delivery is asynchronous, so a publisher never
 * runs a subscriber's code, and in order, because there is one queue.
 */
export class LocalDelivery {
  #log: Logger;
  #interest: Interest | undefined;
  #entries = new Map<string, Entry>();
  /** The number of entries for each arrangement of nulls, so that a key needs a few look-ups instead of a scan. */
  #shapes = new Map<string, number>();
  #queue: { message: BusMessage; publisher: Publisher; subscribers: readonly Subscriber[] }[] = [];
  #draining = false;
  #closed = false;

  /** The patterns that have a subscriber are counted in `interest`. */
  constructor(log: Logger, interest?: Interest) {
    this.#log = log;
    this.#interest = interest;
  }

  /** The distinct patterns that have a subscriber. */
  patterns(): Pattern[] {
    return [...this.#entries.values()].map((entry) => entry.pattern);
  }

  has(pattern: Pattern): boolean {
    return this.#entries.has(patternText(pattern));
  }

  /** Adds a subscriber; returns a function that removes it, which may be called twice. */
  add(pattern: Pattern, handler: MessageHandler): () => void {
    const text = patternText(pattern);
    let entry = this.#entries.get(text);
    if (!entry) {
      entry = { pattern: [...pattern], subscribers: new Set() };
      this.#entries.set(text, entry);
      this.#countShape(pattern, 1);
      this.#interest?.add(pattern);
    }
    const subscriber: Subscriber = { handler, active: true };
    entry.subscribers.add(subscriber);
    return () => {
      if (!subscriber.active) return;
      subscriber.active = false;
      entry.subscribers.delete(subscriber);
      if (entry.subscribers.size > 0) return;
      this.#entries.delete(text);
      this.#countShape(pattern, -1);
      this.#interest?.remove(pattern);
    };
  }

  /** Queues a message for each subscriber whose pattern matches `key`; `read` is called only if there is one. */
  deliver(key: Key, publisher: Publisher, read: () => BusMessage["payload"]): void {
    if (this.#closed) return;
    const subscribers: Subscriber[] = [];
    for (const shape of this.#shapes.keys()) {
      if (shape.length !== key.length) continue;
      const entry = this.#entries.get(key.map((part, i) => (shape[i] === "*" ? "" : part)).join("."));
      if (entry) append(subscribers, entry.subscribers);
    }
    this.#enqueue(key, publisher, subscribers, read);
  }

  /** Queues a message from outside for the subscribers of exactly this pattern: routers and hubs send one copy per pattern. */
  deliverTo(pattern: Pattern, key: Key, read: () => BusMessage["payload"], publisher: Publisher = "other"): void {
    if (this.#closed) return;
    this.#enqueue(key, publisher, [...(this.#entries.get(patternText(pattern))?.subscribers ?? [])], read);
  }

  /** Delivers nothing from now on. */
  close(): void {
    this.#closed = true;
    this.#queue = [];
  }

  #countShape(pattern: Pattern, change: 1 | -1): void {
    const shape = pattern.map((part) => (part === null ? "*" : "=")).join("");
    const count = (this.#shapes.get(shape) ?? 0) + change;
    if (count > 0) this.#shapes.set(shape, count);
    else this.#shapes.delete(shape);
  }

  #enqueue(
    key: Key,
    publisher: Publisher,
    subscribers: readonly Subscriber[],
    read: () => BusMessage["payload"],
  ): void {
    if (subscribers.length === 0) return;
    const message = Object.freeze({ key: Object.freeze([...key]), payload: read() });
    this.#queue.push({ message, publisher, subscribers });
    if (this.#draining) return;
    this.#draining = true;
    setImmediate(() => this.#drain());
  }

  /** Messages that handlers publish meanwhile wait for the next turn of the event loop, so that I/O is never starved. */
  #drain(): void {
    const batch = this.#queue;
    this.#queue = [];
    this.#draining = false;
    for (const { message, publisher, subscribers } of batch) {
      for (const subscriber of subscribers)
        if (subscriber.active && !this.#closed) this.#call(subscriber.handler, message, publisher);
    }
  }

  #call(handler: MessageHandler, message: BusMessage, publisher: Publisher): void {
    const failed = (error: unknown) =>
      this.#log.error({ err: error, topic: message.key.join(".") }, "a message handler failed");
    try {
      handler(message, publisher)?.then(undefined, failed);
    } catch (error) {
      failed(error);
    }
  }
}
