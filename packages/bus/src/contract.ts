import type { Json, Service } from "@multimaster/core";
import type { Client, ClientConfig } from "pg";
import type { Interest } from "./interest.ts";

/** A concrete topic, e.g. `["builds", "5", "finished"]`. Parts are not empty and contain no ".", "#" or white space. */
export type Key = readonly string[];

/** The topics of a subscription: `null` matches exactly one part, so the number of parts must be equal. */
export type Pattern = readonly (string | null)[];

/** An event as a subscriber receives it. The payload is frozen, because all subscribers of a process share it. */
export interface BusMessage {
  readonly key: Key;
  /**
   * Above the bus's cap it contains only the small scalar fields (the ids) and `truncated: true`: read the row. The
   * publisher's own subscribers get the same, so that no code depends on where it runs.
   */
  readonly payload: Json;
}

/** Who published a message: this process, or any client that may publish at the router, which proves nothing. */
export type Publisher = "self" | "other";

/** Called once per message, in order, and not awaited. What it throws or rejects with is logged and affects no other handler. */
export type MessageHandler = (message: BusMessage, publisher: Publisher) => void | Promise<void>;

export interface Subscription {
  /** The handler is not called again after this call; resolves when the router has ended the subscription too. */
  unsubscribe(): Promise<void>;
}

/** `degraded`: the router is unreachable; work continues by wake-ups through PostgreSQL, or by polling. */
export type BusState = "connected" | "degraded";

/** Messages of other processes since the start, by the way on which they came. */
export interface Received {
  readonly router: number;
  readonly notify: number;
}

/** What PostgreSQL carries while the router is away. */
export interface WakeupsView {
  /** Whether wake-ups of other processes would arrive now. */
  readonly isListening: boolean;
  /** How many were dropped because PostgreSQL did not take them soon enough. */
  readonly dropped: number;
}

/**
 * Messages between masters: hints that rows have changed, never the truth.
 *
 * - At most once, best effort. Order is kept per publisher and topic, also for a publisher's own subscribers.
 * - Subscribers in the publisher's own process get a message directly, never through the router, in every
 *   implementation: a master with all roles is not slower when the router is unreachable. Other processes then receive
 *   nothing, so they read the rows again when the state becomes `connected`.
 * - Where PostgreSQL carries wake-ups meanwhile, other processes get a message without its payload (`WakeupPayload`), and
 *   several on one topic in quick succession as one.
 * - A message may arrive twice, when a stalled connection recovers or when both ways carry it, so consumers are idempotent.
 */
export interface Bus extends Service {
  readonly kind: "in-process" | "wamp" | "postgres" | "none";
  /** Who subscribes; absent: only the router knows. */
  readonly interest?: Interest;
  /** It delivers nothing. */
  readonly isMuted?: true;
  /**
   * Never blocks and never throws: the row is already committed, and a consumer that misses the message polls. A key or
   * payload that is not valid is logged as an error.
   */
  publish(key: Key, payload: Json): void;
  /** Resolves when the router has acknowledged; if it is unreachable, immediately: the next connection subscribes. */
  subscribe(pattern: Pattern, handler: MessageHandler): Promise<Subscription>;
  readonly state: BusState;
  /** Milliseconds since 1970 when the router was last lost, or null while connected. */
  readonly degradedSince: number | null;
  /** Calls `listener` on every change, with `connected` after all subscriptions are restored. Returns a function that ends this. */
  onState(listener: (state: BusState) => void): () => void;
  /** The id that other masters receive when this process leaves the router; null while not connected, or without such hints. */
  readonly session: string | null;
  /**
   * Calls `listener` with the session of each peer that leaves the router. Only a hint: a peer may leave and live, or die
   * without one. Returns a function that ends this.
   */
  onPeerLeft(listener: (session: string) => void): () => void;
  readonly received: Received;
  /** Absent: nothing stands in for the router. */
  readonly wakeups?: WakeupsView | undefined;
}

/** The login at the router; absent: anonymous. */
export type WampAuth =
  | { readonly authid: string; readonly ticket: string }
  /** WAMP-cryptosign: the seed of an ed25519 key, 64 hexadecimal digits. */
  | { readonly authid: string; readonly privateKey: string };

interface CommonOptions {
  /** Delivers nothing, not even locally: tests that the cluster reaches the same rows without messages. */
  readonly mute?: boolean;
}

export interface LocalBusOptions extends CommonOptions {
  /** `none`: a cluster configured to poll only; messages stay within the process. */
  readonly kind: "in-process" | "none";
  /** Largest serialised payload in bytes (default 512 KiB). */
  readonly maxPayload?: number;
}

export interface WampBusOptions extends CommonOptions {
  readonly kind: "wamp";
  /** `ws://` or `wss://`; its path is used as is. */
  readonly router: string;
  readonly realm: string;
  readonly auth?: WampAuth;
  /** Certificates (PEM) used instead of the system's to verify the router's certificate. */
  readonly ca?: string;
  /** Largest serialised payload in bytes (default 512 KiB); keep it well below the router's max_message_size. */
  readonly maxPayload?: number;
  /** A router that does not answer for two of these intervals counts as lost (default 2000 ms). */
  readonly pingMs?: number;
  /** The PostgreSQL that carries wake-ups while the router is away; absent: masters then find work by polling. */
  readonly notify?: NotifyOptions;
}

/** How PostgreSQL is reached for LISTEN and NOTIFY. */
export interface NotifyOptions {
  /** A direct connection: LISTEN does not work through a pooler in transaction mode. */
  readonly url: string;
  /** Creates the connection's client, such as one that negotiates TLS like the database's connections. Default: pg's own. */
  readonly makeClient?: (config: ClientConfig & { readonly connectionString: string }) => Client;
  /** A server that does not answer for two of these intervals counts as lost (default 2000 ms). */
  readonly pingMs?: number;
}

export interface PostgresBusOptions extends CommonOptions, NotifyOptions {
  readonly kind: "postgres";
  /** Default `multimaster`. All masters of the cluster use the same. */
  readonly channel?: string;
}

export type BusOptions = LocalBusOptions | WampBusOptions | PostgresBusOptions;
