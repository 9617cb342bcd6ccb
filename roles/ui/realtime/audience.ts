import { type Clock, Counter, Gauge, type Logger, type Registry } from "@multimaster/core";

/** A connection that stays open, whatever it speaks. */
export interface Client {
  readonly kind: "ws" | "sse";
  /** From where it comes. */
  readonly address: string;
  /** Bytes that it has not taken yet. */
  readonly waiting: number;
  send(text: string): void;
  /** Asks whether it is there; false: it did not answer the last time. */
  ping(): boolean;
  /** Says that this master is no longer there, but another one may be. */
  leave(): void;
  /** Cuts it, without a word. */
  cut(): void;
}

/** The bus as clients are told of it. */
export interface BusNews {
  readonly state: "connected" | "degraded";
  /** Milliseconds since the epoch. */
  readonly since: number | null;
}

export interface AudienceOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Registry;
  /** How often each client is asked whether it is there. Proxies cut what is silent for a minute. */
  readonly pingMs?: number;
  /** Who has not taken this much is too slow, and is cut: it comes back and reads the rows. */
  readonly maxWaiting?: number;
  /** How many clients one address may have. */
  readonly maxPerAddress: number;
}

/** More than one master should serve; the next one is asked instead. */
const maxClients = 5_000;
/** Clients that are sent away come back to another master, not all in the same moment. */
const leaveStepMs = 100;
const leaveSteps = 40;
/** After a farewell, a client has this long to close. */
const farewellMs = 500;

/** All clients that listen to this master: none of them can fill its memory, stay when it is dead, or miss its end. */
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
      help: "Browsers and other clients that hear events from this master.",
      labelNames: ["kind"],
      registers,
    });
    this.#cut = new Counter({
      name: "multimaster_ui_listeners_cut_total",
      help: "Clients that were cut because they were too slow, did not answer, sent too much, or have other rights than when they came.",
      labelNames: ["kind", "reason"],
      registers,
    });
  }

  get isFull(): boolean {
    return this.#clients.size >= maxClients;
  }

  /** Whether this address has as many clients as one may have. */
  isFullFor(address: string): boolean {
    return (this.#perAddress.get(address) ?? 0) >= this.#options.maxPerAddress;
  }

  /** Adds a client; the result removes it. `isStill` tells whether it is still whose it was: a session may have ended. */
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

  /** Cuts a client that sends more than anybody has a use for. */
  cutHasty(client: Client): void {
    this.#cutFor(client, "too many commands");
  }

  /** Sends, or cuts who does not read. */
  send(client: Client, text: string): void {
    if (client.waiting <= (this.#options.maxWaiting ?? 4 * 1024 * 1024)) return client.send(text);
    this.#cutFor(client, "slow");
  }

  tellAll(text: (client: Client) => string): void {
    for (const client of this.#clients.keys()) this.send(client, text(client));
  }

  /** Sends everybody to another master, a few at a time; at once when `signal` aborts. */
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
    this.#options.log.info({ kind: client.kind, reason }, "a client that listens was cut");
    client.cut();
  }
}
