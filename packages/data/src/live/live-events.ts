import type { Bus, BusMessage, Pattern } from "@multimaster/bus";
import type { Clock, Json, Logger } from "@multimaster/core";
import type { Connection } from "@multimaster/database";
import { createWholeEvents } from "./whole-events.ts";

/** An event as those who watch get it, all of them the same object: what they make of it can be kept and shared. */
export interface LiveEvent {
  readonly key: readonly string[];
  /** The whole object, whatever the bus left out. */
  readonly payload: Json;
}

export interface Watch {
  /** Resolves when nothing is missed that happens from now on, as far as the router is there. */
  readonly ready: Promise<void>;
  /** The listener is not called again. */
  end(): void;
}

/**
 * The events of the cluster for those outside it: any number of listeners, one subscription of the bus per pattern. A hint
 * like every message: who has to know looks at the rows, first when `ready`, and again when the router was away.
 */
export interface LiveEvents {
  /** Hears each event whose key has as many parts as the pattern, each of them equal or asked for with `null`. */
  watch(pattern: readonly (string | null)[], listener: (event: LiveEvent) => void): Watch;
  /** How many subscriptions of the bus there are. */
  readonly patterns: number;
}

/** A page that was left is often followed by one that listens to the same. */
const lingerMs = 5_000;

export function createLiveEvents(options: {
  bus: Pick<Bus, "subscribe">;
  connection: Connection;
  clock: Clock;
  log: Logger;
}): LiveEvents {
  const { bus, clock, log } = options;
  const whole = createWholeEvents(options);
  const streams = new Map<string, Stream>();

  function open(pattern: Pattern): Stream {
    const listeners = new Set<(event: LiveEvent) => void>();
    const tell = (event: LiveEvent) => {
      for (const listener of listeners) listener(event);
    };
    const subscription = bus.subscribe(pattern, inOrder(whole.complete, tell));
    return { listeners, subscription, ready: subscription.then(() => undefined) };
  }

  function close(text: string, stream: Stream): void {
    clock.after(lingerMs, () => {
      if (stream.listeners.size > 0 || streams.get(text) !== stream) return;
      streams.delete(text);
      stream.subscription
        .then((subscription) => subscription.unsubscribe())
        .catch((error: unknown) => log.warn({ err: error, pattern: text }, "a subscription could not be ended"));
    });
  }

  return {
    get patterns() {
      return streams.size;
    },
    watch(pattern, listener) {
      if (!pattern.every(canBeTold)) return { ready: Promise.resolve(), end() {} };
      const text = pattern.map((part) => part ?? "").join(".");
      let stream = streams.get(text);
      if (!stream) streams.set(text, (stream = open(pattern)));
      const { listeners, ready } = stream;
      // Wrapped, so that the same function given twice is two listeners.
      const own = (event: LiveEvent) => listener(event);
      listeners.add(own);
      return {
        ready,
        end() {
          if (listeners.delete(own) && listeners.size === 0) close(text, stream);
        },
      };
    },
  };
}

interface Stream {
  readonly listeners: Set<(event: LiveEvent) => void>;
  readonly subscription: ReturnType<Bus["subscribe"]>;
  readonly ready: Promise<void>;
}

/** Completes messages side by side and tells them in the order in which they came. */
function inOrder(
  complete: (message: BusMessage) => Json | Promise<Json | undefined>,
  tell: (event: LiveEvent) => void,
) {
  let waiting: Promise<void> | undefined;
  return (message: BusMessage) => {
    const { key } = message;
    const payload = complete(message);
    if (!waiting && !(payload instanceof Promise)) return tell({ key, payload });
    const before = waiting;
    const mine = (async () => {
      const value = await payload;
      await before?.catch(() => {});
      if (value !== undefined) tell({ key, payload: value });
    })().finally(() => {
      if (waiting === mine) waiting = undefined;
    });
    waiting = mine;
    return mine;
  };
}

/** No topic has such a part, and the bus refuses to listen for it. */
function canBeTold(part: string | null): boolean {
  return part === null || (part !== "" && !/[.#\s]/.test(part));
}
