import { addressOf } from "../base.ts";

/**
 * The stream of events: who is interested in a topic is told that something happened there, never what. The rows are then
 * read again, so nothing depends on an event having arrived, and a reconnect needs no replay.
 */
export type LiveState =
  /** Not known yet. */
  | "connecting"
  | "live"
  /** There is no stream here, or not now: rows are read by the clock. */
  | "polling";

const path = addressOf("/ws");
const firstRetryMs = 500;
const longestRetryMs = 20_000;
/** Rows are not kept back for longer than this; an acknowledgement that comes later has them read again. */
const ackMs = 200;
const pingMs = 25_000;

/** What a master tells of the router of messages, as it is without being asked. */
interface BusNews {
  readonly state: "connected" | "degraded";
  /** Milliseconds since the epoch. */
  readonly since: number | null;
}

interface Topic {
  readonly wakes: Set<() => void>;
  /** Resolves once events of this topic arrive. */
  acknowledged: Promise<void>;
  resolve: () => void;
}

export class LiveSocket {
  state: LiveState = "connecting";
  /** Since when it is not live though it once was, in seconds. */
  lostSince: number | undefined;
  /** Set while the master that tells events hears only its own: the router of messages is away, since then, in seconds. */
  degraded: { readonly since: number | undefined } | undefined;
  readonly #topics = new Map<string, Topic>();
  readonly #asked = new Map<number, string>();
  readonly #listeners = new Set<() => void>();
  #socket: WebSocket | undefined;
  #nextId = 1;
  #retryMs = firstRetryMs;
  /** It was asked whether it is there, and said nothing since. */
  #isSilent = false;

  start(): void {
    this.#connect();
    setInterval(() => this.#ping(), pingMs);
    // A laptop that was opened again, or a network that came back, should not sit out the back-off.
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
  }

  /** Whether everything that happens in the cluster is told as it happens. */
  get tellsAll(): boolean {
    return this.state === "live" && this.degraded === undefined;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls `wake` when something happens at `topic`, and when things may have happened unseen. Gives what ends that. */
  subscribe(topic: string, wake: () => void): () => void {
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

  /** Resolves when rows read from now on miss no event, or when that takes too long to wait for. */
  async settled(topics: readonly string[]): Promise<void> {
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
    this.#asked.clear();
    this.degraded = undefined;
    if (this.state === "live") this.lostSince = Date.now() / 1000;
    for (const topic of this.#topics.values()) {
      topic.resolve();
      Object.assign(topic, createAcknowledgement());
    }
    if (this.state !== "polling") this.#set("polling");
    // Spread, so that the browsers of a master that went away do not all knock at once.
    setTimeout(() => this.#socket || this.#connect(), this.#retryMs * (0.5 + Math.random()));
    this.#retryMs = Math.min(this.#retryMs * 2, longestRetryMs);
  }

  /** A connection may end without a word, and would look alive for many minutes. */
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

  /** Tries at once: something tells that there is an answer to be had again. */
  hurry(): void {
    this.#retryMs = firstRetryMs;
    if (!this.#socket) this.#connect();
  }

  #consume(topic: string): void {
    if (this.state !== "live") return;
    const id = this.#nextId++;
    this.#asked.set(id, topic);
    this.#send({ cmd: "startConsuming", path: topic, _id: id });
  }

  #receive(text: string): void {
    this.#isSilent = false;
    const frame = JSON.parse(text) as { k?: string; m?: unknown; _id?: number };
    if (frame.k === "bus/state") return this.#noteBus(frame.m as BusNews);
    if (frame.k !== undefined) {
      for (const [topic, { wakes }] of this.#topics) if (matchesTopic(topic, frame.k)) for (const wake of wakes) wake();
      return;
    }
    const topic = this.#asked.get(frame._id ?? 0);
    if (topic === undefined) return;
    this.#asked.delete(frame._id ?? 0);
    const entry = this.#topics.get(topic);
    entry?.resolve();
    // Whatever happened before the acknowledgement was not told.
    for (const wake of entry?.wakes ?? []) wake();
  }

  /** What others did meanwhile was not told: from here on, and once more when it is over, the rows are read. */
  #noteBus({ state, since }: BusNews): void {
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

function createAcknowledgement(): Pick<Topic, "acknowledged" | "resolve"> {
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
