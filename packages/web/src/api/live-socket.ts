import type { Topic } from "@multimaster/data/client";
import { addressOf } from "../base.ts";

/**
 * The stream of events. A subscriber of a topic is notified that something happened there, never what: it reads the rows
 * again. So a lost event does no harm, and a reconnect needs no replay.
 */
export type LiveState =
  /** Not known yet. */
  | "connecting"
  | "live"
  /** There is no stream now: rows are polled. */
  | "polling";

const path = addressOf("/ws");
const firstRetryMs = 500;
const longestRetryMs = 20_000;
/** The first read waits at most this long for acknowledgements; a later one causes another read. */
const ackMs = 200;
const pingMs = 25_000;

/** The state of the message router, as a master reports it. */
interface BusReport {
  readonly state: "connected" | "degraded";
  /** Milliseconds since the epoch. */
  readonly since: number | null;
}

interface Subscription {
  readonly wakes: Set<() => void>;
  /** Resolves once events of this topic arrive. */
  acknowledged: Promise<void>;
  resolve: () => void;
}

export class LiveSocket {
  state: LiveState = "connecting";
  /** When the stream was lost, in seconds; undefined while it is open, and before it was open once. */
  lostSince: number | undefined;
  /**
   * Set while the message router is unreachable, with the time since when, in seconds. The master then publishes only its
   * own events.
   */
  degraded: { readonly since: number | undefined } | undefined;
  readonly #topics = new Map<Topic, Subscription>();
  readonly #requested = new Map<number, Topic>();
  readonly #listeners = new Set<() => void>();
  #socket: WebSocket | undefined;
  #nextId = 1;
  #retryMs = firstRetryMs;
  /** A ping was sent, and nothing has arrived since. */
  #isSilent = false;

  start(): void {
    this.#connect();
    setInterval(() => this.#ping(), pingMs);
    // After a laptop woke up or a network came back, the back-off would only delay the connection.
    addEventListener("online", () => this.retryNow());
    document.addEventListener("visibilitychange", () => document.hidden || this.retryNow());
  }

  /** Whether all events of the cluster arrive here as they happen. */
  get isComplete(): boolean {
    return this.state === "live" && this.degraded === undefined;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls `wake` at each event of `topic`, and when events may have been missed. Returns a function that unsubscribes. */
  subscribe(topic: Topic, wake: () => void): () => void {
    let entry = this.#topics.get(topic);
    if (!entry) {
      entry = { wakes: new Set(), ...createAcknowledgement() };
      this.#topics.set(topic, entry);
      this.#consume(topic);
    }
    entry.wakes.add(wake);
    const { wakes } = entry;
    return () => {
      wakes.delete(wake);
      if (wakes.size > 0 || this.#topics.get(topic)?.wakes !== wakes) return;
      this.#topics.delete(topic);
      if (this.state === "live") this.#send({ cmd: "stopConsuming", path: topic, _id: this.#nextId++ });
    };
  }

  /** Resolves when a read can no longer miss an event, or after a short time limit. */
  async settled(topics: readonly Topic[]): Promise<void> {
    if (this.state === "polling") return;
    const all = Promise.all(topics.map((topic) => this.#topics.get(topic)?.acknowledged));
    await Promise.race([all, new Promise((resolve) => setTimeout(resolve, ackMs))]);
  }

  #connect(): void {
    const url = new URL(path, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.onopen = () => {
      this.#retryMs = firstRetryMs;
      this.lostSince = undefined;
      this.#set("live");
      for (const topic of this.#topics.keys()) this.#consume(topic);
    };
    socket.onmessage = ({ data }) => this.#receive(String(data));
    socket.onclose = () => this.#lose(socket);
  }

  #lose(socket: WebSocket): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    this.#isSilent = false;
    this.#requested.clear();
    this.degraded = undefined;
    if (this.state === "live") this.lostSince = Date.now() / 1000;
    for (const subscription of this.#topics.values()) {
      subscription.resolve();
      Object.assign(subscription, createAcknowledgement());
    }
    if (this.state !== "polling") this.#set("polling");
    // Randomized, so that the browsers of a master that went away do not all reconnect in the same moment.
    setTimeout(() => this.#socket || this.#connect(), this.#retryMs * (0.5 + Math.random()));
    this.#retryMs = Math.min(this.#retryMs * 2, longestRetryMs);
  }

  /** A connection may end without notice, and would seem open for many minutes. */
  #ping(): void {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN) return;
    if (this.#isSilent) {
      this.#lose(socket);
      return socket.close();
    }
    this.#isSilent = true;
    this.#send({ cmd: "ping", _id: this.#nextId++ });
  }

  /** Reconnects without waiting: the server is probably reachable again. */
  retryNow(): void {
    this.#retryMs = firstRetryMs;
    if (!this.#socket) this.#connect();
  }

  #consume(topic: Topic): void {
    if (this.state !== "live") return;
    const id = this.#nextId++;
    this.#requested.set(id, topic);
    this.#send({ cmd: "startConsuming", path: topic, _id: id });
  }

  #receive(text: string): void {
    this.#isSilent = false;
    const frame = JSON.parse(text) as { k?: string; m?: unknown; _id?: number };
    if (frame.k === "bus/state") return this.#noteBus(frame.m as BusReport);
    if (frame.k !== undefined) {
      for (const [topic, { wakes }] of this.#topics) if (matchesTopic(topic, frame.k)) for (const wake of wakes) wake();
      return;
    }
    const topic = this.#requested.get(frame._id ?? 0);
    if (topic === undefined) return;
    this.#requested.delete(frame._id ?? 0);
    const entry = this.#topics.get(topic);
    entry?.resolve();
    // Events before the acknowledgement did not arrive.
    for (const wake of entry?.wakes ?? []) wake();
  }

  /** Events of other masters do not arrive while the router is away: rows are read now, and again when it is back. */
  #noteBus({ state, since }: BusReport): void {
    this.degraded = state === "degraded" ? { since: since === null ? undefined : since / 1000 } : undefined;
    for (const { wakes } of this.#topics.values()) for (const wake of wakes) wake();
    this.#set(this.state);
  }

  #send(frame: object): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  #set(state: LiveState): void {
    this.state = state;
    for (const listener of this.#listeners) listener();
  }
}

function createAcknowledgement(): Pick<Subscription, "acknowledged" | "resolve"> {
  let resolve = () => {};
  const acknowledged = new Promise<void>((done) => {
    resolve = done;
  });
  return { acknowledged, resolve };
}

/** `*` stands for exactly one element. */
function matchesTopic(topic: string, key: string): boolean {
  const wanted = topic.split("/");
  const found = key.split("/");
  return wanted.length === found.length && wanted.every((part, i) => part === "*" || part === found[i]);
}

export const liveSocket = new LiveSocket();
