import type { Json } from "@multimaster/core";
import type { Key, Pattern } from "./contract.ts";
import type { CappedPayload } from "./payload.ts";

/** One connection to a router, from its set-up to its loss; the bus opens a new one each time. */
export interface Link {
  /** Queues an event for the other masters. An event that can no longer be sent is dropped. */
  send(key: Key, payload: CappedPayload): void;
  /** Resolves when the router has acknowledged, or the link is closed; rejects when the router refuses. */
  subscribe(pattern: Pattern): Promise<void>;
  unsubscribe(pattern: Pattern): Promise<void>;
  /** The router's id of this connection, which other clients receive when it ends; null if the router sends no such hints. */
  readonly session: string | null;
  /** Resolves with the reason once the connection has ended, on either side. */
  readonly closed: Promise<string>;
  /** Sends what is queued, then ends the connection; it does not wait for a router that does not answer. */
  close(): Promise<void>;
}

/** Receives an event from the router. `pattern` is the subscription it came for; null: every subscription that matches. */
export type Receive = (pattern: Pattern | null, key: Key, payload: Json) => void;

/** Receives what the router sends. */
export interface Incoming {
  readonly receive: Receive;
  /** A peer has left the router; never called for a router that sends no such hints. */
  peerLeft(session: string): void;
}

/** Opens links to one router. */
export interface Dialer {
  /** The router for log lines, without passwords. */
  readonly where: string;
  /** The maximum number of bytes of a payload under this key. */
  maxPayload(key: Key): number;
  /** Rejects with the reason if the router cannot be reached; gives up when `signal` aborts. */
  dial(incoming: Incoming, signal: AbortSignal): Promise<Link>;
}

/** How long a link that is being closed may still send. */
export const CLOSE_MS = 1000;

/** A promise and the function that resolves it. */
export function defer<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
