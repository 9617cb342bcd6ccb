import type { Key, Pattern, PostgresBusOptions } from "../contract.ts";
import type { Link, Receive } from "../link.ts";
import type { CappedPayload } from "../payload.ts";
import { packEnvelope, unpackEnvelope } from "./envelope.ts";
import { type NotifySession, openNotifySession } from "./notify-session.ts";

const BATCH = 200;
/** More than this unsent means that the server stands still; better start over than collect without bound. */
const MAX_UNSENT = 16 * 1024 * 1024;

/** Opens the one connection of a bus. */
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
        // The bus has delivered its own messages already.
        if (event && event.sender !== sender) receive(null, event.key, event.payload);
      },
    },
    signal,
  );
  return new PostgresLink(session, sender);
}

/** Everything goes over one channel and is picked from it by the receiver: the server knows no patterns. */
class PostgresLink implements Link {
  /** The server tells no one who leaves. */
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

  /** One statement at a time; what is published meanwhile goes together with the next one. */
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
