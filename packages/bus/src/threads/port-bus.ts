import type { Json, Logger } from "@multimaster/core";
import type { Bus, BusState, Key, MessageHandler, Pattern, Subscription } from "../contract.ts";
import { Interest } from "../interest.ts";
import { assertKey, assertPattern } from "../key.ts";
import { defer } from "../link.ts";
import { LocalDelivery } from "../local-delivery.ts";
import { capPayload, DEFAULT_MAX_PAYLOAD, freezePayload } from "../payload.ts";
import type { BusPort, FromHub, ToHub } from "./port-messages.ts";
import { notesOf } from "./thread-notes.ts";

/** The bus of a thread: everything goes through the bus of its process, also what it sends to itself. */
export function createPortBus(opened: BusPort, log: Logger): Bus {
  return new PortBus(opened, log);
}

class PortBus implements Bus {
  readonly name = "bus";
  readonly kind: Bus["kind"];
  readonly isMuted?: true;
  readonly interest?: Interest;
  readonly session = null;
  readonly received = { router: 0, notify: 0 };
  state: BusState;
  degradedSince: number | null;
  #port: BusPort["port"];
  #log: Logger;
  #delivery: LocalDelivery;
  #listeners = new Set<(state: BusState) => void>();
  #waiting = new Map<number, ReturnType<typeof defer<string | undefined>>>();
  #calls = 0;
  #taken = 0;
  #stopped = false;

  constructor({ port, busKind, isMuted, state, degradedSince, interest }: BusPort, log: Logger) {
    this.kind = busKind;
    if (isMuted) this.isMuted = true;
    if (interest) this.interest = new Interest(interest);
    this.state = state;
    this.degradedSince = degradedSince;
    this.#port = port;
    this.#log = log;
    this.#delivery = new LocalDelivery(log);
    notesOf(this).connect(this.#forward);
    port.on("message", (message: FromHub) => this.#receive(message));
    port.on("close", () => this.#end());
  }

  async start(): Promise<void> {}

  /** What was published before is still sent. */
  async stop(): Promise<void> {
    this.#end();
    this.#port.close();
  }

  ready(): true {
    return true;
  }

  onState(listener: (state: BusState) => void): () => void {
    const own = (state: BusState) => listener(state);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  /** Only the main thread's bus hears who leaves. */
  onPeerLeft(): () => void {
    return () => {};
  }

  publish(key: Key, payload: Json): void {
    if (this.#stopped) return;
    try {
      assertKey(key);
      if (this.interest?.has(key) === false) return;
      this.#send({ kind: "publish", key, payload: capPayload(payload, DEFAULT_MAX_PAYLOAD).text });
    } catch (error) {
      this.#log.error({ err: error, key }, "a message could not be published");
    }
  }

  async subscribe(pattern: Pattern, handler: MessageHandler): Promise<Subscription> {
    assertPattern(pattern);
    const remove = this.#delivery.add(pattern, handler);
    // Also for a pattern that has a subscriber: that one's subscription may not be in effect yet.
    await this.#ask("subscribe", pattern);
    return {
      unsubscribe: async () => {
        const had = this.#delivery.has(pattern);
        remove();
        if (had && !this.#delivery.has(pattern)) await this.#ask("unsubscribe", pattern);
      },
    };
  }

  async #ask(kind: "subscribe" | "unsubscribe", pattern: Pattern): Promise<void> {
    if (this.#stopped) return;
    const id = ++this.#calls;
    const answer = defer<string | undefined>();
    this.#waiting.set(id, answer);
    this.#send({ kind, id, pattern });
    const refused = await answer.promise;
    if (refused !== undefined) this.#log.warn({ pattern, why: refused }, `the bus refused to ${kind}`);
  }

  #forward = (note: string): void => {
    if (!this.#stopped) this.#send({ kind: "note", note });
  };

  #send(message: ToHub): void {
    this.#port.postMessage(message);
  }

  #receive(message: FromHub): void {
    switch (message.kind) {
      case "note":
        notesOf(this).send(message.note, this.#forward);
        return this.#take();
      case "message": {
        const { pattern, key, payload, publisher } = message;
        this.#delivery.deliverTo(pattern, key, () => freezePayload(payload), publisher);
        return this.#take();
      }
      case "done":
        this.#waiting.get(message.id)?.resolve(message.refused);
        this.#waiting.delete(message.id);
        return;
      case "state":
        return this.#change(message.state, message.degradedSince);
      case "missed":
        // Consumers read their rows when the bus is connected again, which is what they have to do now.
        if (this.state !== "connected") return;
        this.#log.warn("messages were dropped: this thread's event loop did not take them in time");
        this.#change("degraded", Date.now());
        this.#change("connected", null);
    }
  }

  #take(): void {
    if (++this.#taken === 1) setImmediate(() => this.#confirm());
  }

  #confirm(): void {
    const count = this.#taken;
    this.#taken = 0;
    if (!this.#stopped) this.#send({ kind: "taken", count });
  }

  #change(state: BusState, degradedSince: number | null): void {
    this.state = state;
    this.degradedSince = degradedSince;
    for (const listener of this.#listeners) {
      try {
        listener(state);
      } catch (error) {
        this.#log.error({ err: error }, "a listener for the state of the bus failed");
      }
    }
  }

  #end(): void {
    this.#stopped = true;
    this.#delivery.close();
    this.#listeners.clear();
    for (const answer of this.#waiting.values()) answer.resolve(undefined);
    this.#waiting.clear();
  }
}
