import { Backoff, type Clock, type Json, type Logger } from "@multimaster/core";
import type { Bus, BusState, Key, MessageHandler, Pattern, Received, Subscription, WakeupsView } from "./contract.ts";
import { assertKey, assertPattern } from "./key.ts";
import { type Dialer, defer, type Incoming, type Link } from "./link.ts";
import { LocalDelivery } from "./local-delivery.ts";
import { capPayload, freezePayload } from "./payload.ts";
import type { Wakeups } from "./wakeups/wakeups.ts";

const RETRY = { initial: 200, max: 4000 };
/** A connection that lasted this long was stable: the first reconnection after it waits only briefly. */
const STEADY_MS = 5000;
const LOG_EVERY_MS = 60_000;

/**
 * A bus over a router that may be unreachable at times. One loop owns the connection: connect, restore every subscription,
 * publish the state `connected`, wait for the loss, publish `degraded`, back off, connect again. Losing the router never
 * ends the loop; only `stop` does.
 */
export class NetworkBus implements Bus {
  readonly name = "bus";
  readonly kind: Bus["kind"];
  #dialer: Dialer;
  #log: Logger;
  #clock: Clock;
  #delivery: LocalDelivery;
  #link: Link | undefined;
  #degradedSince: number | null;
  #listeners = new Set<(state: BusState) => void>();
  #leaveListeners = new Set<(session: string) => void>();
  #stopped = new AbortController();
  #running: Promise<void> | undefined;
  #firstAttempt = defer<void>();
  #backoff = new Backoff(RETRY);
  #lastLossLogged = Number.NEGATIVE_INFINITY;
  #lossLogged = false;
  #wakeups: Wakeups | undefined;
  #received = { router: 0, notify: 0 };

  constructor(kind: Bus["kind"], dialer: Dialer, log: Logger, clock: Clock, wakeups?: Wakeups) {
    this.kind = kind;
    this.#wakeups = wakeups;
    this.#dialer = dialer;
    this.#log = log;
    this.#clock = clock;
    this.#delivery = new LocalDelivery(log);
    this.#degradedSince = clock.now();
  }

  get state(): BusState {
    return this.#degradedSince === null ? "connected" : "degraded";
  }

  get degradedSince(): number | null {
    return this.#degradedSince;
  }

  get received(): Received {
    return this.#received;
  }

  get wakeups(): WakeupsView | undefined {
    return this.#wakeups;
  }

  ready(): true {
    return true;
  }

  /** Resolves after the first attempt, whatever its outcome: an unreachable router must not prevent work. */
  async start(): Promise<void> {
    if (this.#stopped.signal.aborted) return;
    this.#running ??= this.#run();
    await this.#wakeups?.start(({ key, payload }) => {
      this.#received.notify += 1;
      this.#delivery.deliver(key, "other", () => freezePayload({ ...payload }));
    });
    await this.#firstAttempt.promise;
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#listeners.clear();
    this.#leaveListeners.clear();
    await Promise.all([this.#link?.close(), this.#wakeups?.stop()]);
    await this.#running;
    this.#delivery.close();
  }

  onState(listener: (state: BusState) => void): () => void {
    // Wrapped, so that the same function passed twice is two listeners.
    const own = (state: BusState) => listener(state);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  get session(): string | null {
    return this.#link?.session ?? null;
  }

  onPeerLeft(listener: (session: string) => void): () => void {
    const own = (session: string) => listener(session);
    this.#leaveListeners.add(own);
    return () => this.#leaveListeners.delete(own);
  }

  publish(key: Key, payload: Json): void {
    try {
      assertKey(key);
      const capped = capPayload(payload, this.#dialer.maxPayload(key));
      this.#delivery.deliver(key, "self", () => freezePayload(JSON.parse(capped.text)));
      this.#link?.send(key, capped);
      this.#wakeups?.note(key, capped.value);
    } catch (error) {
      this.#log.error({ err: error, key }, "a message could not be published");
    }
  }

  async subscribe(pattern: Pattern, handler: MessageHandler): Promise<Subscription> {
    assertPattern(pattern);
    const remove = this.#delivery.add(pattern, handler);
    if (this.#link) await this.#subscribeAt(this.#link, pattern);
    return {
      unsubscribe: async () => {
        remove();
        if (!this.#delivery.has(pattern)) await this.#unsubscribeAt(this.#link, pattern);
      },
    };
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    const incoming: Incoming = {
      receive: (pattern, key, value) => this.#receive(pattern, key, value),
      peerLeft: (session) => this.#notify(this.#leaveListeners, session, "peer-left hints"),
    };
    while (!signal.aborted) {
      const from = this.#clock.now();
      try {
        const link = await this.#dialer.dial(incoming, signal);
        await this.#use(link);
        this.#noteLoss(await link.closed);
      } catch (error) {
        this.#noteLoss(error instanceof Error ? error.message : String(error));
      }
      this.#firstAttempt.resolve();
      if (this.#clock.now() - from > STEADY_MS && this.#degradedSince === null) this.#backoff.reset();
      this.#wakeups?.setRouterAway(true);
      this.#changeState("degraded");
      await this.#clock.sleep(this.#backoff.next(), signal);
    }
    this.#firstAttempt.resolve();
  }

  /** Restores the subscriptions and waits until the link is lost. */
  async #use(link: Link): Promise<void> {
    let lost = false;
    const closed = link.closed.then(() => {
      lost = true;
      this.#link = undefined;
    });
    this.#link = link;
    if (this.#stopped.signal.aborted) await link.close();
    await Promise.all(this.#delivery.patterns().map((pattern) => this.#subscribeAt(link, pattern)));
    // Published only now: a listener that then reads its rows misses nothing that happens afterwards.
    if (!lost && !this.#stopped.signal.aborted) {
      this.#wakeups?.setRouterAway(false);
      this.#changeState("connected");
      this.#firstAttempt.resolve();
    }
    await closed;
  }

  async #subscribeAt(link: Link, pattern: Pattern): Promise<void> {
    try {
      await link.subscribe(pattern);
    } catch (error) {
      // Polling still works; refusing to run because of the router would be worse.
      this.#log.error({ err: error, pattern, router: this.#dialer.where }, "the message router refused a subscription");
    }
  }

  async #unsubscribeAt(link: Link | undefined, pattern: Pattern): Promise<void> {
    try {
      await link?.unsubscribe(pattern);
    } catch (error) {
      this.#log.warn(
        { err: error, pattern, router: this.#dialer.where },
        "the message router refused to end a subscription",
      );
    }
  }

  #receive(pattern: Pattern | null, key: Key, payload: Json): void {
    this.#received[this.kind === "postgres" ? "notify" : "router"] += 1;
    const read = () => freezePayload(payload);
    if (pattern) this.#delivery.deliverTo(pattern, key, read);
    else this.#delivery.deliver(key, "other", read);
  }

  #changeState(state: BusState): void {
    if (state === this.state) return;
    this.#degradedSince = state === "connected" ? null : this.#clock.now();
    if (state === "connected") this.#noteReturn();
    this.#notify(this.#listeners, state, "the state");
  }

  #notify<T>(listeners: ReadonlySet<(news: T) => void>, news: T, of: string): void {
    for (const listener of listeners) {
      try {
        listener(news);
      } catch (error) {
        this.#log.error({ err: error }, `a listener for ${of} of the bus failed`);
      }
    }
  }

  /** A router may be unreachable for days or reconnect often: at most one line a minute reports it. */
  #noteLoss(reason: string): void {
    const now = this.#clock.now();
    if (this.#stopped.signal.aborted || now - this.#lastLossLogged < LOG_EVERY_MS) return;
    this.#lastLossLogged = now;
    this.#lossLogged = true;
    const how = this.#wakeups ? "by wake-ups through PostgreSQL" : "by polling";
    this.#log.warn({ router: this.#dialer.where, reason }, `the message router is unreachable; work continues ${how}`);
  }

  #noteReturn(): void {
    const level = this.#lossLogged ? "info" : "debug";
    this.#log[level]({ router: this.#dialer.where }, "connected to the message router");
    this.#lossLogged = false;
  }
}
