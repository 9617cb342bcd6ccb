import { randomUUID } from "node:crypto";
import { Backoff, type Clock, type Json, type Logger, type Timer } from "@multimaster/core";
import type { Key, NotifyOptions } from "../contract.ts";
import { defer } from "../link.ts";
import type { NotifySession } from "../postgres/notify-session.ts";
import { toWakeup, type Wakeup } from "./wakeup.ts";
import { WakeupList } from "./wakeup-list.ts";
import { packRequest, packWakeups, unpackWakeups } from "./wakeup-text.ts";
import type { Wakeups } from "./wakeups.ts";

const channel = "multimaster_wakeups";
const retry = { initial: 200, max: 4000 };
/** Between two transactions; what is published meanwhile goes together. So a master sends no more than a hundred a second. */
const gatherMs = 10;
/** Wake-ups in one transaction. */
const maxAtOnce = 500;
/** Topics that wait, and topics that are kept for the time before the loss of the router was noticed. */
const maxKept = 2000;
/** A router that stands still is noticed after three of its pings. */
const recentMs = 10_000;
/** How often a master without a router asks the others, and for how long one request counts. */
const askEveryMs = 5000;
const askedForMs = 15_000;

/**
 * Wake-ups by LISTEN and NOTIFY. It always listens, and sends only while this master's router is away or another master
 * has asked for it because its own is: each transaction that notifies holds a lock of the whole server while it commits.
 * So no transaction that writes rows notifies; this has a connection and transactions of its own.
 */
export class PostgresWakeups implements Wakeups {
  #options: NotifyOptions;
  #log: Logger;
  #clock: Clock;
  #sender = randomUUID();
  #receive: (wakeup: Wakeup) => void = () => {};
  #session: NotifySession | undefined;
  #stopped = new AbortController();
  #running: Promise<void> | undefined;
  #firstAttempt = defer<void>();
  #isRouterAway = false;
  #askedUntil = Number.NEGATIVE_INFINITY;
  #recent = new WakeupList(maxKept);
  #waiting = new WakeupList(maxKept);
  #dropped = 0;
  #isRequestWaiting = false;
  #requestTimer: Timer | undefined;
  #sending: Promise<void> | undefined;
  #hasFailed = false;

  constructor(options: NotifyOptions, log: Logger, clock: Clock) {
    this.#options = options;
    this.#log = log;
    this.#clock = clock;
  }

  get isListening(): boolean {
    return this.#session !== undefined;
  }

  get dropped(): number {
    return this.#dropped;
  }

  async start(receive: (wakeup: Wakeup) => void): Promise<void> {
    this.#receive = receive;
    this.#running ??= this.#run();
    await this.#firstAttempt.promise;
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#requestTimer?.cancel();
    await this.#session?.close(this.#sending);
    await this.#running;
  }

  note(key: Key, payload: Json): void {
    const wakeup = toWakeup(key, payload);
    if (wakeup === undefined) return;
    const now = this.#clock.now();
    this.#recent.add(wakeup, now);
    this.#recent.forgetBefore(now - recentMs);
    if (this.#isWanted()) this.#enqueue([wakeup]);
  }

  setRouterAway(isAway: boolean): void {
    if (isAway === this.#isRouterAway || this.#stopped.signal.aborted) return;
    if (isAway && !this.#isWanted()) this.#enqueueRecent();
    this.#isRouterAway = isAway;
    this.#requestTimer?.cancel();
    if (isAway) this.#ask();
  }

  #isWanted(): boolean {
    return this.#isRouterAway || this.#clock.now() < this.#askedUntil;
  }

  /** Now, and again and again as long as the router is away. */
  #ask(): void {
    this.#isRequestWaiting = true;
    this.#requestTimer = this.#clock.after(askEveryMs, () => this.#ask());
    this.#startSending();
  }

  #enqueue(wakeups: readonly Wakeup[]): void {
    for (const wakeup of wakeups) if (!this.#waiting.add(wakeup)) this.#dropped += 1;
    this.#startSending();
  }

  /** What was published shortly before may have gone to a router that was away already. */
  #enqueueRecent(): void {
    this.#recent.forgetBefore(this.#clock.now() - recentMs);
    this.#enqueue(this.#recent.all());
  }

  #startSending(): void {
    if (this.#session) this.#sending ??= this.#send(this.#session);
  }

  async #send(session: NotifySession): Promise<void> {
    // What is published in one go goes together; no one waits for more.
    await this.#clock.sleep(0, this.#stopped.signal);
    while (!session.isLost && (this.#waiting.size > 0 || this.#isRequestWaiting)) {
      const request = this.#isRequestWaiting ? [packRequest(this.#sender)] : [];
      this.#isRequestWaiting = false;
      const wakeups = this.#waiting.take(maxAtOnce);
      await session.notify([...request, ...packWakeups(this.#sender, wakeups)]);
      // They may have arrived all the same: twice does no harm.
      if (session.isLost) for (const wakeup of wakeups) this.#waiting.add(wakeup);
      await this.#clock.sleep(gatherMs, this.#stopped.signal);
    }
    this.#sending = undefined;
  }

  #hear(text: string): void {
    const heard = unpackWakeups(text);
    if (heard === undefined || heard.sender === this.#sender) return;
    if (heard.asks) {
      const wasWanted = this.#isWanted();
      this.#askedUntil = this.#clock.now() + askedForMs;
      if (!wasWanted) this.#enqueueRecent();
    }
    for (const wakeup of heard.wakeups) this.#receive(wakeup);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    const backoff = new Backoff(retry);
    while (!signal.aborted) {
      try {
        const session = await this.#open(signal);
        backoff.reset();
        this.#noteReturn();
        this.#firstAttempt.resolve();
        const reason = await this.#use(session);
        this.#log.debug({ reason }, "the connection for wake-ups through PostgreSQL is lost");
      } catch (error) {
        this.#noteFailure(error);
      }
      this.#firstAttempt.resolve();
      await this.#clock.sleep(backoff.next(), signal);
    }
  }

  async #open(signal: AbortSignal): Promise<NotifySession> {
    // Loaded on first use, as the driver of each bus is.
    const { openNotifySession } = await import("../postgres/notify-session.ts");
    signal.throwIfAborted();
    const receive = (text: string) => this.#hear(text);
    return openNotifySession({ ...this.#options, channel, applicationName: "multimaster wake-ups", receive }, signal);
  }

  /** Sends what has waited, and stays until the session is lost. */
  async #use(session: NotifySession): Promise<string> {
    this.#session = session;
    if (this.#stopped.signal.aborted) session.lose("stopped");
    if (this.#isRouterAway) this.#isRequestWaiting = true;
    if (this.#waiting.size > 0 || this.#isRequestWaiting) this.#startSending();
    const reason = await session.closed;
    this.#session = undefined;
    await this.#sending;
    return reason;
  }

  /** Logs once until it works again: an outage of the database is already reported by other services. */
  #noteFailure(error: unknown): void {
    if (this.#hasFailed || this.#stopped.signal.aborted) return;
    this.#hasFailed = true;
    this.#log.warn(
      { reason: error instanceof Error ? error.message : String(error) },
      "wake-ups through PostgreSQL cannot be received; this is tried again, and without the router as well masters poll",
    );
  }

  #noteReturn(): void {
    if (this.#hasFailed) this.#log.info("wake-ups through PostgreSQL are received again");
    this.#hasFailed = false;
  }
}
