import type { Key, Pattern, PostgresBusOptions } from "../contract.ts";
import type { Link, Receive } from "../link.ts";
import type { CappedPayload } from "../payload.ts";
import { packEnvelope, unpackEnvelope } from "./envelope.ts";
import { type NotifySession, openNotifySession } from "./notify-session.ts";

const BATCH = 200;
/** With more unsent bytes than this, the server is stuck; reconnecting is better than queueing without bound. */
const MAX_UNSENT = 16 * 1024 * 1024;

/** Opens the single connection of a bus. */
export async function openPostgresLink(
  options: PostgresBusOptions,
  sender: string,
  receive: Receive,
  signal: AbortSignal,
): Promise<Link> {
  const { channel = "multimaster" } = options;
  const session = await openNotifySession(
    {
      ...options,
      channel,
      applicationName: "multimaster bus",
      receive(text) {
        const event = unpackEnvelope(text);
        // The bus has already delivered its own messages.
        if (event && event.sender !== sender) receive(null, event.key, event.payload);
      },
    },
    signal,
  );
  return new PostgresLink(session, sender);
}

/** All events go over one channel and are filtered by the receiver: the server knows no patterns. */
class PostgresLink implements Link {
  /** The server sends no hints about sessions that end. */
  readonly session = null;
  readonly closed: Promise<string>;
  #session: NotifySession;
  #sender: string;
  #number = 0;
  #unsent: string[] = [];
  #unsentBytes = 0;
  #sending: Promise<void> | undefined;

  constructor(session: NotifySession, sender: string) {
    this.closed = session.closed;
    this.#session = session;
    this.#sender = sender;
  }

  send(key: Key, payload: CappedPayload): void {
    if (this.#session.isLost) return;
    this.#number += 1;
    const text = packEnvelope(this.#sender, this.#number, key, payload.text);
    this.#unsent.push(text);
    this.#unsentBytes += text.length;
    if (this.#unsentBytes > MAX_UNSENT) return this.#session.lose("the server does not keep up");
    this.#sending ??= this.#sendAll();
  }

  async subscribe(_pattern: Pattern): Promise<void> {}

  async unsubscribe(_pattern: Pattern): Promise<void> {}

  close(): Promise<void> {
    return this.#session.close(this.#sending);
  }

  /** Sends one statement at a time; messages published meanwhile go together with the next one. */
  async #sendAll(): Promise<void> {
    while (this.#unsent.length > 0 && !this.#session.isLost) {
      const batch = this.#unsent.splice(0, BATCH);
      await this.#session.notify(batch);
      for (const text of batch) this.#unsentBytes -= text.length;
    }
    this.#unsent = [];
    this.#sending = undefined;
  }
}
