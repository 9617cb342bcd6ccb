import type { Json } from "@multimaster/core";
import type { Key, Pattern } from "./contract.ts";
import type { CappedPayload } from "./payload.ts";

/** One connection to a router, from its set-up to its loss; the bus makes a new one each time. */
export interface Link {
  /** Queues an event for the other masters. What cannot be sent any more is dropped. */
  send(key: Key, payload: CappedPayload): void;
  /** Resolves when the router has acknowledged, or the link is closed; rejects when the router refuses. */
  subscribe(pattern: Pattern): Promise<void>;
  unsubscribe(pattern: Pattern): Promise<void>;
  /** What the router calls this connection when it tells the others of its end; null: it tells no one. */
  readonly session: string | null;
  /** Resolves with the reason once the connection is gone, whoever ended it. */
  readonly closed: Promise<string>;
  /** Sends what is queued, then ends the connection; a router that does not answer is not waited for. */
  close(): Promise<void>;
}

/** Takes an event from the router. `pattern` is the subscription it came for; null: whichever match. */
export type Receive = (pattern: Pattern | null, key: Key, payload: Json) => void;

/** What comes from the router. */
export interface Incoming {
  readonly receive: Receive;
  /** A peer has left the router; never called where the router does not tell. */
  peerLeft(session: string): void;
}

/** Makes links to one router. */
export interface Dialer {
  /** The router for log lines, without passwords. */
  readonly where: string;
  /** How many bytes a payload under this key may take. */
  maxPayload(key: Key): number;
  /** Rejects with the reason when the router cannot be had; gives up when `signal` aborts. */
  dial(incoming: Incoming, signal: AbortSignal): Promise<Link>;
}

/** How long a link that is being closed on purpose may still talk. */
export const CLOSE_MS = 1000;

/** A promise and the function that resolves it. */
export function defer<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
