import { Socket } from "node:net";
import { onAbort } from "@multimaster/core";
import { Client } from "pg";
import type { Key, Pattern, PostgresBusOptions } from "../contract.ts";
import { CLOSE_MS, defer, type Link, type Receive } from "../link.ts";
import type { CappedPayload } from "../payload.ts";
import { startWatchdog, type Watchdog } from "../watchdog.ts";
import { packEnvelope, unpackEnvelope } from "./envelope.ts";

const CONNECT_MS = 5000;
/** Timeout from the first packet to the answer to LISTEN. */
const OPEN_MS = 8000;
const BATCH = 200;
/** With more unsent bytes than this, the server is stuck; reconnecting is better than queueing without bound. */
const MAX_UNSENT = 16 * 1024 * 1024;

/** Opens the single connection of a bus, outside every pool: LISTEN belongs to a session. */
export async function openPostgresLink(
  options: PostgresBusOptions,
  sender: string,
  receive: Receive,
  signal: AbortSignal,
): Promise<Link> {
  const socket = new Socket();
  const { makeClient = (config) => new Client(config) } = options;
  const client = makeClient({
    connectionString: options.url,
    application_name: "multimaster bus",
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    stream: () => socket,
  });
  const link = new PostgresLink(client, socket, sender, options.channel ?? "multimaster", receive);
  const abort = () => link.lose("stopped");
  const deadline = setTimeout(() => link.lose("the server did not complete the login in time"), OPEN_MS);
  const ignoreSignal = onAbort(signal, abort);
  try {
    await Promise.race([
      link.open(options.pingMs ?? 2000),
      link.closed.then((reason) => Promise.reject(new Error(reason))),
    ]);
    return link;
  } catch (error) {
    link.lose(String(error));
    throw error;
  } finally {
    clearTimeout(deadline);
    ignoreSignal();
  }
}

/** All events go over one channel and are filtered here: the server knows no patterns. */
class PostgresLink implements Link {
  /** The server sends no hints about sessions that end. */
  readonly session = null;
  readonly closed: Promise<string>;
  #noteClosed: (reason: string) => void;
  #client: Client;
  #socket: Socket;
  #sender: string;
  #channel: string;
  #lost = false;
  #watchdog: Watchdog | undefined;
  #number = 0;
  #unsent: string[] = [];
  #unsentBytes = 0;
  #sending: Promise<void> | undefined;

  constructor(client: Client, socket: Socket, sender: string, channel: string, receive: Receive) {
    const closed = defer<string>();
    this.closed = closed.promise;
    this.#noteClosed = closed.resolve;
    this.#client = client;
    this.#socket = socket;
    this.#sender = sender;
    this.#channel = channel;
    client.on("error", (error) => this.lose(describeError(error)));
    client.on("end", () => this.lose("the server ended the connection"));
    client.on("notification", (notification) => {
      this.#watchdog?.alive();
      const event = unpackEnvelope(notification.payload ?? "");
      // The bus has already delivered its own messages.
      if (event && event.sender !== sender) receive(null, event.key, event.payload);
    });
  }

  async open(pingMs: number): Promise<void> {
    try {
      await this.#client.connect();
      await this.#client.query(`LISTEN ${this.#client.escapeIdentifier(this.#channel)}`);
    } catch (error) {
      throw new Error(describeError(error), { cause: error });
    }
    if (this.#lost) return;
    let asking = false;
    const ping = async () => {
      if (asking) return;
      asking = true;
      try {
        await this.#client.query("SELECT 1");
        this.#watchdog?.alive();
      } catch (error) {
        this.lose(describeError(error));
      }
      asking = false;
    };
    this.#watchdog = startWatchdog(pingMs, ping, () => this.lose("the server does not answer"));
  }

  send(key: Key, payload: CappedPayload): void {
    if (this.#lost) return;
    this.#number += 1;
    const text = packEnvelope(this.#sender, this.#number, key, payload.text);
    this.#unsent.push(text);
    this.#unsentBytes += text.length;
    if (this.#unsentBytes > MAX_UNSENT) return this.lose("the server does not keep up");
    this.#sending ??= this.#sendAll();
  }

  async subscribe(_pattern: Pattern): Promise<void> {}

  async unsubscribe(_pattern: Pattern): Promise<void> {}

  async close(): Promise<void> {
    const cut = setTimeout(() => this.lose("stopped"), CLOSE_MS);
    while (this.#sending && !this.#lost) await Promise.race([this.#sending, this.closed]);
    // Its end event closes this link; if a query is running, it breaks the connection, which is acceptable.
    this.#client.end().catch(() => {});
    await this.closed;
    clearTimeout(cut);
  }

  /** Handles the loss of the connection, or cuts it. */
  lose(reason: string): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#watchdog?.end();
    this.#unsent = [];
    this.#socket.destroy();
    this.#noteClosed(reason);
  }

  /** Sends one statement at a time; messages published meanwhile go together with the next one. */
  async #sendAll(): Promise<void> {
    try {
      while (this.#unsent.length > 0) {
        const batch = this.#unsent.splice(0, BATCH);
        await this.#client.query({
          name: "notify",
          text: "SELECT pg_notify($1, t.message) FROM unnest($2::text[]) WITH ORDINALITY AS t(message, place) ORDER BY t.place",
          values: [this.#channel, batch],
        });
        for (const text of batch) this.#unsentBytes -= text.length;
        this.#watchdog?.alive();
      }
    } catch (error) {
      this.lose(describeError(error));
    } finally {
      this.#sending = undefined;
    }
  }
}

function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // A refused connection to a name with several addresses is an AggregateError without a message.
  return error.message || String((error as NodeJS.ErrnoException).code ?? error.name);
}
