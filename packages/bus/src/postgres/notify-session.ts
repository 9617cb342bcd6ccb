import { Socket } from "node:net";
import { onAbort } from "@multimaster/core";
import { Client } from "pg";
import type { NotifyOptions } from "../contract.ts";
import { CLOSE_MS, defer } from "../link.ts";
import { startWatchdog, type Watchdog } from "../watchdog.ts";

const CONNECT_MS = 5000;
/** Timeout from the first packet to the answer to LISTEN. */
const OPEN_MS = 8000;

export interface NotifySessionOptions extends NotifyOptions {
  readonly channel: string;
  /** How `pg_stat_activity` shows the connection. */
  readonly applicationName: string;
  /** Takes each notification on the channel, also those of this session. */
  readonly receive: (text: string) => void;
}

/** Opens a connection outside every pool, since LISTEN belongs to a session; gives up when `signal` aborts. */
export async function openNotifySession(options: NotifySessionOptions, signal: AbortSignal): Promise<NotifySession> {
  const socket = new Socket();
  const { makeClient = (config) => new Client(config) } = options;
  const client = makeClient({
    connectionString: options.url,
    application_name: options.applicationName,
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    stream: () => socket,
  });
  const session = new NotifySession(client, socket, options);
  const deadline = setTimeout(() => session.lose("the server did not complete the login in time"), OPEN_MS);
  const ignoreSignal = onAbort(signal, () => session.lose("stopped"));
  try {
    await Promise.race([
      session.open(options.pingMs ?? 2000),
      session.closed.then((reason) => Promise.reject(new Error(reason))),
    ]);
    return session;
  } catch (error) {
    session.lose(String(error));
    throw error;
  } finally {
    clearTimeout(deadline);
    ignoreSignal();
  }
}

/** One session of PostgreSQL that listens to one channel and notifies on it, until it is lost. */
export class NotifySession {
  /** Resolves with the reason once the connection is gone, whichever side ended it. */
  readonly closed: Promise<string>;
  #noteClosed: (reason: string) => void;
  #client: Client;
  #socket: Socket;
  #channel: string;
  #isLost = false;
  #watchdog: Watchdog | undefined;

  constructor(client: Client, socket: Socket, { channel, receive }: NotifySessionOptions) {
    const closed = defer<string>();
    this.closed = closed.promise;
    this.#noteClosed = closed.resolve;
    this.#client = client;
    this.#socket = socket;
    this.#channel = channel;
    client.on("error", (error) => this.lose(describeError(error)));
    client.on("end", () => this.lose("the server ended the connection"));
    client.on("notification", (notification) => {
      this.#watchdog?.alive();
      receive(notification.payload ?? "");
    });
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  async open(pingMs: number): Promise<void> {
    try {
      await this.#client.connect();
      // A commit with a notification holds a lock of the whole server: it does not wait for the disk as well, since
      // what it says may be lost.
      await this.#client.query("SET synchronous_commit = off");
      await this.#client.query(`LISTEN ${this.#client.escapeIdentifier(this.#channel)}`);
    } catch (error) {
      throw new Error(describeError(error), { cause: error });
    }
    if (this.#isLost) return;
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

  /** Sends these, in order and in one transaction; a failure ends the session. */
  async notify(texts: readonly string[]): Promise<void> {
    if (this.#isLost) return;
    try {
      await this.#client.query({
        name: "notify",
        text: "SELECT pg_notify($1, t.message) FROM unnest($2::text[]) WITH ORDINALITY AS t(message, place) ORDER BY t.place",
        values: [this.#channel, texts],
      });
      this.#watchdog?.alive();
    } catch (error) {
      this.lose(describeError(error));
    }
  }

  /** Lets what is being sent arrive, then ends the connection; a server that does not answer is not waited for. */
  async close(sending?: Promise<void>): Promise<void> {
    const cut = setTimeout(() => this.lose("stopped"), CLOSE_MS);
    await Promise.race([sending, this.closed]);
    // Its end event closes this session; if a query is running, it breaks the connection, which is acceptable.
    this.#client.end().catch(() => {});
    await this.closed;
    clearTimeout(cut);
  }

  /** Handles the loss of the connection, or cuts it. */
  lose(reason: string): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#watchdog?.end();
    this.#socket.destroy();
    this.#noteClosed(reason);
  }
}

function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // A refused connection to a name with several addresses is an AggregateError without a message.
  return error.message || String((error as NodeJS.ErrnoException).code ?? error.name);
}
