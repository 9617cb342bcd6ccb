import { type Clock, Counter, Gauge, type Logger, type Registry } from "@multimaster/core";

/** A lasting connection, over any protocol. */
export interface Client {
  readonly kind: "ws" | "sse";
  /** The address of the client. */
  readonly address: string;
  /** Bytes sent that the client has not read yet. */
  readonly waiting: number;
  send(text: string): void;
  /** Pings the client; returns false if it did not answer the last ping. */
  ping(): boolean;
  /** Asks the client to reconnect to another master. */
  leave(): void;
  /** Cuts the connection without a message. */
  cut(): void;
}

/** The state of the bus, as clients receive it. */
export interface BusNews {
  readonly state: "connected" | "degraded";
  /** Milliseconds since 1970. */
  readonly since: number | null;
}

export interface AudienceOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Registry;
  /** Interval of pings. Proxies cut connections that are silent for a minute. */
  readonly pingMs?: number;
  /** A client with more unread bytes than this is too slow and is cut: it reconnects and reads the rows. */
  readonly maxWaiting?: number;
  /** Maximum number of clients of one address. */
  readonly maxPerAddress: number;
}

/** Maximum number of clients of one master; further ones must use another master. */
const maxClients = 5_000;
/** Clients are sent away one after the other, so that they do not all reconnect at the same moment. */
const leaveStepMs = 100;
const leaveSteps = 40;
/** How long a client may take to close after it was sent away. */
const farewellMs = 500;

/** All listening clients of this master: it bounds their memory, cuts dead ones, and sends all away at the master's end. */
export class Audience {
  #options: AudienceOptions;
  #clients = new Map<Client, () => Promise<boolean>>();
  #perAddress = new Map<string, number>();
  #stopped = new AbortController();
  #pinging: Promise<void> | undefined;
  #connected: Gauge;
  #cut: Counter;

  constructor(options: AudienceOptions) {
    this.#options = options;
    const registers = [options.metrics];
    this.#connected = new Gauge({
      name: "multimaster_ui_listeners",
      help: "Browsers and other clients that receive events from this master.",
      labelNames: ["kind"],
      registers,
    });
    this.#cut = new Counter({
      name: "multimaster_ui_listeners_cut_total",
      help: "Clients that were cut because they were too slow, did not answer, sent too much, or whose rights changed.",
      labelNames: ["kind", "reason"],
      registers,
    });
  }

  get isFull(): boolean {
    return this.#clients.size >= maxClients;
  }

  /** Whether this address has reached its limit of clients. */
  isFullFor(address: string): boolean {
    return (this.#perAddress.get(address) ?? 0) >= this.#options.maxPerAddress;
  }

  /** Adds a client; returns a function that removes it. `isStill` returns whether its identity is unchanged: a session may end. */
  add(client: Client, isStill: () => Promise<boolean>): () => void {
    this.#clients.set(client, isStill);
    this.#count(client.address, 1);
    this.#connected.inc({ kind: client.kind });
    this.#pinging ??= this.#ping();
    return () => {
      if (!this.#clients.delete(client)) return;
      this.#count(client.address, -1);
      this.#connected.dec({ kind: client.kind });
    };
  }

  #count(address: string, change: 1 | -1): void {
    const count = (this.#perAddress.get(address) ?? 0) + change;
    if (count > 0) this.#perAddress.set(address, count);
    else this.#perAddress.delete(address);
  }

  /** Cuts a client that sends too many commands. */
  cutForTooManyCommands(client: Client): void {
    this.#cutFor(client, "too many commands");
  }

  /** Sends a text; cuts a client that does not read. */
  send(client: Client, text: string): void {
    if (client.waiting <= (this.#options.maxWaiting ?? 4 * 1024 * 1024)) return client.send(text);
    this.#cutFor(client, "slow");
  }

  sendAll(text: (client: Client) => string): void {
    for (const client of this.#clients.keys()) this.send(client, text(client));
  }

  /** Sends all clients to another master, a few at a time; immediately when `signal` aborts. */
  async leave(signal: AbortSignal): Promise<void> {
    const leaving = [...this.#clients.keys()];
    const step = Math.ceil(leaving.length / leaveSteps);
    for (let i = 0; i < leaving.length; i += step) {
      if (i > 0) await this.#options.clock.sleep(leaveStepMs, signal);
      for (const client of leaving.slice(i, i + step)) client.leave();
    }
  }

  async end(): Promise<void> {
    this.#stopped.abort();
    await this.#pinging;
    if (this.#clients.size === 0) return;
    for (const client of this.#clients.keys()) client.leave();
    await this.#options.clock.sleep(farewellMs);
    for (const client of this.#clients.keys()) client.cut();
  }

  async #ping(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await this.#options.clock.sleep(this.#options.pingMs ?? 30_000, signal);
      if (signal.aborted) return;
      for (const [client, isStill] of this.#clients) {
        if (!client.ping()) this.#cutFor(client, "silent");
        else if (!(await isStill()) && this.#clients.has(client)) this.#cutFor(client, "other rights");
      }
    }
  }

  #cutFor(client: Client, reason: "slow" | "silent" | "other rights" | "too many commands"): void {
    this.#cut.inc({ kind: client.kind, reason });
    this.#options.log.info({ kind: client.kind, reason }, "a listening client was cut");
    client.cut();
  }
}
