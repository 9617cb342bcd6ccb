import type { Bus, BusMessage, Pattern, Publisher } from "@multimaster/bus";
import type { Clock, Json, Logger } from "@multimaster/core";
import type { Connection } from "@multimaster/database";
import { ListenerIndex } from "./listener-index.ts";
import { isPart, topicsOf } from "./live-topics.ts";
import { createWholeEvents } from "./whole-events.ts";

/** An event for listeners. All get the same object, so what they derive from it can be cached. */
export interface LiveEvent {
  readonly key: readonly string[];
  /** The whole object as it is in the rows, whatever the message contained. */
  readonly payload: Json;
}

export interface Watch {
  /** Resolves when no later event will be missed, as long as the router is connected. */
  readonly ready: Promise<void>;
  /** The listener is not called again. */
  end(): void;
}

/**
 * The events of the cluster for clients outside it: any number of listeners to any number of paths, which share one
 * subscription of the bus per kind of topic (live-topics.ts). An event is a hint: a client that must know reads the rows,
 * first when `ready`, and again when the router was disconnected.
 */
export interface LiveEvents {
  /** Calls the listener for each event whose key has as many parts as the pattern, each equal or matched by `null`. */
  watch(pattern: readonly (string | null)[], listener: (event: LiveEvent) => void): Watch;
  /** How many subscriptions of the bus there are. */
  readonly patterns: number;
}

/** The page that a user opens next often listens to the same. */
const lingerMs = 5_000;
/** Events that wait for their rows; more are dropped, as while the router is disconnected. */
const maxWaiting = 10_000;

export function createLiveEvents(options: {
  bus: Pick<Bus, "subscribe">;
  connection: Connection;
  clock: Clock;
  log: Logger;
}): LiveEvents {
  const { bus, clock, log } = options;
  const whole = createWholeEvents(options);
  const streams = new Map<string, Stream>();
  const index = new ListenerIndex<(event: LiveEvent) => void>();

  function open(shape: Pattern): Stream {
    const deliver = (event: LiveEvent) => {
      for (const listener of index.of(event.key)) listener(event);
    };
    const receive = inOrder(whole.complete, deliver, () =>
      log.warn({ shape }, "events for browsers are dropped: the database does not keep up with the messages"),
    );
    const subscription = bus.subscribe(shape, (message, publisher) => {
      // An event without listeners costs no read.
      if (index.has(message.key)) return receive(message, publisher);
    });
    return { watchers: 0, subscription, ready: subscription.then(() => undefined) };
  }

  function use(shape: Pattern): { ready: Promise<void>; release(): void } {
    const text = shape.map((part) => part ?? "").join(".");
    let stream = streams.get(text);
    if (!stream) streams.set(text, (stream = open(shape)));
    const used = stream;
    used.watchers++;
    return {
      ready: used.ready,
      release() {
        if (--used.watchers === 0) close(text, used);
      },
    };
  }

  function close(text: string, stream: Stream): void {
    clock.after(lingerMs, () => {
      if (stream.watchers > 0 || streams.get(text) !== stream) return;
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
      if (!pattern.every(isPart)) return { ready: Promise.resolve(), end() {} };
      const remove = index.add(pattern, listener);
      const used = topicsOf(pattern).map(({ shape }) => use(shape));
      let ended = false;
      return {
        ready: Promise.all(used.map(({ ready }) => ready)).then(() => undefined),
        end() {
          if (ended) return;
          ended = true;
          remove();
          for (const { release } of used) release();
        },
      };
    },
  };
}

interface Stream {
  watchers: number;
  readonly subscription: ReturnType<Bus["subscribe"]>;
  readonly ready: Promise<void>;
}

/** Completes messages concurrently and delivers them in the order in which they arrived. */
function inOrder(
  complete: (message: BusMessage, publisher: Publisher) => Json | Promise<Json | undefined>,
  deliver: (event: LiveEvent) => void,
  onOverflow: () => void,
) {
  let last: Promise<void> | undefined;
  let waiting = 0;
  let overflows = false;
  return (message: BusMessage, publisher: Publisher) => {
    const { key } = message;
    if (waiting >= maxWaiting) {
      if (!overflows) onOverflow();
      overflows = true;
      return;
    }
    overflows &&= waiting > maxWaiting / 2;
    const payload = complete(message, publisher);
    if (!last && !(payload instanceof Promise)) return deliver({ key, payload });
    const before = last;
    waiting++;
    const mine = (async () => {
      const value = await payload;
      await before?.catch(() => {});
      if (value !== undefined) deliver({ key, payload: value });
    })().finally(() => {
      waiting--;
      if (last === mine) last = undefined;
    });
    last = mine;
    return mine;
  };
}
