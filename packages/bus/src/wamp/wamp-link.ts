import { onAbort } from "@multimaster/core";
import autobahn, { type CloseDetails, type Session, type Subscription } from "autobahn";
import type { Key, Pattern, WampBusOptions } from "../contract.ts";
import { patternText } from "../key.ts";
import { CLOSE_MS, defer, type Incoming, type Link, type Receive } from "../link.ts";
import type { CappedPayload } from "../payload.ts";
import { answerChallenge } from "./login.ts";
import { TRANSPORT, type TransportOptions } from "./transport.ts";

const PREFIX = "org.buildbot.mq.";
/** The router's notice of sessions that end, for whatever reason; its only argument is the session's id. */
const ON_LEAVE = "wamp.session.on_leave";
/** Timeout from the first packet to the router's welcome. */
const OPEN_MS = 8000;

// autobahn writes warnings to the console by itself; the relevant ones arrive through onclose.
autobahn.log.warn = () => {};

/**
 * Opens one WAMP session. autobahn's own reconnection is disabled: it stops for good after a refusal, a goodbye or a failed
 * transport, so the bus connects again instead.
 */
export function openWampLink(options: WampBusOptions, incoming: Incoming, signal: AbortSignal): Promise<Link> {
  return new Promise((resolve, reject) => {
    let problem: string | undefined;
    let link: WampLink | undefined;
    const note = (error: unknown) => {
      problem ??= describeError(error);
    };
    const transport: TransportOptions = {
      type: TRANSPORT,
      url: options.router,
      ca: options.ca,
      pingMs: options.pingMs ?? 2000,
      onError: note,
      cut() {},
    };
    const connection = new autobahn.Connection({
      realm: options.realm,
      ...(options.auth ? answerChallenge(options.auth) : {}),
      transports: [transport],
      max_retries: 0,
      use_es6_promises: true,
      on_user_error: note,
      on_internal_error: note,
    });

    const abort = () => transport.cut();
    const deadline = setTimeout(() => {
      note("the router did not complete the login in time");
      transport.cut();
    }, OPEN_MS);
    const settled = () => {
      clearTimeout(deadline);
      ignoreSignal();
    };
    const ignoreSignal = onAbort(signal, abort);

    connection.onopen = async (session) => {
      settled();
      const opened = new WampLink(session, incoming.receive, async (closed) => {
        leaveSession(connection);
        const cut = setTimeout(() => transport.cut(), CLOSE_MS);
        await closed;
        clearTimeout(cut);
      });
      link = opened;
      const heard = ([left]: readonly unknown[]) => {
        if (typeof left === "number") incoming.peerLeft(String(left));
      };
      // A router without a meta API, or without the right to subscribe to it, refuses: then there are no hints.
      const asked = session.subscribe(ON_LEAVE, heard, { match: "exact" }).catch(() => {});
      // The router answers before the link is in use: who leaves from now on is reported.
      await Promise.race([asked, opened.closed]);
      resolve(opened);
    };
    connection.onclose = (reason, details) => {
      settled();
      const why = describeClose(reason, details, problem);
      link?.noteClosed(why);
      reject(new Error(why));
      return true;
    };
    connection.open();
  });
}

/** A WAMP session after the router's welcome. */
class WampLink implements Link {
  readonly session: string;
  readonly closed: Promise<string>;
  #noteClosed: (reason: string) => void;
  #session: Session;
  #receive: Receive;
  #leave: (closed: Promise<unknown>) => Promise<void>;
  #subscriptions = new Map<string, Subscription>();
  /** The last request per pattern. Requests run in sequence: autobahn loses a subscription made while one is being ended. */
  #requests = new Map<string, Promise<void>>();
  /** Calls in progress, because autobahn never settles them when the connection is lost. */
  #pending = new Set<() => void>();

  constructor(session: Session, receive: Receive, leave: (closed: Promise<unknown>) => Promise<void>) {
    const closed = defer<string>();
    this.closed = closed.promise;
    this.#noteClosed = closed.resolve;
    this.session = String(session.id);
    this.#session = session;
    this.#receive = receive;
    this.#leave = leave;
  }

  send(key: Key, payload: CappedPayload): void {
    if (!this.#session.isOpen) return;
    // The bus has already delivered it here. (Buildbot delivers to itself only through the router.)
    this.#session.publish(PREFIX + key.join("."), [payload.value], undefined, { exclude_me: true });
  }

  subscribe(pattern: Pattern): Promise<void> {
    const text = patternText(pattern);
    return this.#inTurn(text, async () => {
      if (this.#subscriptions.has(text) || !this.#session.isOpen) return;
      const handler = (args: readonly unknown[], _kwargs: object, details: { topic: string }) =>
        this.#takeEvent(pattern, details.topic, args);
      const match = pattern.includes(null) ? "wildcard" : "exact";
      const subscription = await this.#settle(this.#session.subscribe(PREFIX + text, handler, { match }));
      if (subscription) this.#subscriptions.set(text, subscription);
    });
  }

  unsubscribe(pattern: Pattern): Promise<void> {
    const text = patternText(pattern);
    return this.#inTurn(text, async () => {
      const subscription = this.#subscriptions.get(text);
      this.#subscriptions.delete(text);
      if (subscription && this.#session.isOpen) await this.#settle(this.#session.unsubscribe(subscription));
    });
  }

  async close(): Promise<void> {
    await this.#leave(this.closed);
  }

  noteClosed(reason: string): void {
    this.#noteClosed(reason);
    for (const settle of this.#pending) settle();
    this.#pending.clear();
  }

  #takeEvent(pattern: Pattern, topic: string, args: readonly unknown[]): void {
    if (!topic.startsWith(PREFIX)) return;
    // The payload is the only positional argument; no arguments mean no payload.
    const payload = args.length === 1 ? args[0] : args.length === 0 ? null : args;
    this.#receive(pattern, topic.slice(PREFIX.length).split("."), payload as never);
  }

  #inTurn(text: string, request: () => Promise<void>): Promise<void> {
    const before = this.#requests.get(text) ?? Promise.resolve();
    const mine = before.then(request, request);
    this.#requests.set(text, mine);
    const forget = () => {
      if (this.#requests.get(text) === mine) this.#requests.delete(text);
    };
    mine.then(forget, forget);
    return mine;
  }

  /** Undefined if the connection was lost before the answer came. */
  #settle<T>(answer: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const giveUp = () => resolve(undefined);
      this.#pending.add(giveUp);
      answer.then(
        (value) => {
          this.#pending.delete(giveUp);
          resolve(value);
        },
        (error: unknown) => {
          this.#pending.delete(giveUp);
          reject(new Error(describeError(error)));
        },
      );
    });
  }
}

function leaveSession(connection: { close(): void }): void {
  try {
    connection.close();
  } catch {
    // autobahn throws a text if the connection is already closed.
  }
}

function describeClose(reason: string, details: CloseDetails, problem: string | undefined): string {
  const said = [details.reason, details.message].filter(Boolean).join(": ");
  return said || problem || reason;
}

/** Describes an error: autobahn throws texts and rejects with objects that are not an `Error`. */
function describeError(error: unknown): string {
  if (error instanceof Error) return error.message || String((error as NodeJS.ErrnoException).code ?? error.name);
  if (typeof error === "object" && error !== null && "error" in error) {
    const { error: uri, args } = error as { error: unknown; args?: unknown };
    return [String(uri), ...(Array.isArray(args) ? args.map(String) : [])].join(": ");
  }
  return String(error);
}
