import type { Clock, Timer } from "@multimaster/core";
import { isLivePath, type LiveEvent, type LiveEvents, type Watch } from "@multimaster/data";
import type { Listener, ListeningRights } from "./rights.ts";

const maxPathLength = 1_000;
/** A page that opens subscribes to all that it shows in one moment; after that, commands follow clicks. */
const commandBurst = 1_000;
const commandsPerSecond = 50;

/** Why a path is refused. */
export type Refusal = "forbidden" | "too many" | "too long" | "unknown";

/** How long a stopped path is kept: a page change stops its paths, and the next page starts many of them again. */
const resumeMs = 1_000;
const maxHeld = 1_000;

interface Subscription {
  readonly watch: Watch;
  /** Set while it is stopped: the events since then. */
  stopped?: { readonly held: LiveEvent[]; readonly forget: Timer };
}

export interface SubscriptionOptions {
  readonly live: LiveEvents;
  readonly rights: ListeningRights;
  readonly clock: Clock;
}

/**
 * The paths of one client. A path that is stopped and soon started again misses nothing: Buildbot's frontend trusts an earlier
 * event more than the rows that it reads afterwards, and would wait forever for a missed one.
 */
export class Subscriptions {
  #subscriptions = new Map<string, Subscription>();
  /** Stopped paths, kept separately so that a refused command does not search all paths. */
  #stopped = new Set<string>();
  #options: SubscriptionOptions;
  #listener: Listener;
  #deliver: (event: LiveEvent) => void;
  #allowance: number = commandBurst;
  #allowedAt: number;

  constructor(options: SubscriptionOptions, listener: Listener, deliver: (event: LiveEvent) => void) {
    this.#options = options;
    this.#listener = listener;
    this.#deliver = deliver;
    this.#allowedAt = options.clock.now();
  }

  /** Counts a command of this client; returns false if it sends too many. */
  takeCommand(): boolean {
    const now = this.#options.clock.now();
    const earned = (Math.max(0, now - this.#allowedAt) / 1000) * commandsPerSecond;
    this.#allowance = Math.min(commandBurst, this.#allowance + earned);
    this.#allowedAt = now;
    if (this.#allowance < 1) return false;
    this.#allowance--;
    return true;
  }

  /** Why this path is refused; undefined if it may be started. */
  check(path: string): Refusal | undefined {
    if (path.length > maxPathLength) return "too long";
    const { rights } = this.#options;
    const maxPaths = rights.maxPaths(this.#listener);
    if (!this.#subscriptions.has(path) && this.#subscriptions.size >= maxPaths) {
      this.#forgetStopped();
      if (this.#subscriptions.size >= maxPaths) return "too many";
    }
    if (!rights.mayRead(this.#listener, path.split("/"))) return "forbidden";
    return isLivePath(patternOf(path)) ? undefined : "unknown";
  }

  /** Resolves when no event can be missed: rows that are read now are not older than the first event. */
  async start(path: string): Promise<void> {
    let subscription = this.#subscriptions.get(path);
    if (!subscription) {
      subscription = this.#subscribe(path);
      this.#subscriptions.set(path, subscription);
    }
    const { stopped } = subscription;
    delete subscription.stopped;
    this.#stopped.delete(path);
    stopped?.forget.cancel();
    for (const event of stopped?.held ?? []) this.#deliverIfAllowed(event);
    await subscription.watch.ready;
  }

  /** Returns false if the path was not subscribed. */
  stop(path: string): boolean {
    const subscription = this.#subscriptions.get(path);
    if (!subscription || subscription.stopped) return false;
    const forget = this.#options.clock.after(resumeMs, () => this.#forget(path));
    subscription.stopped = { held: [], forget };
    this.#stopped.add(path);
    return true;
  }

  end(): void {
    for (const path of [...this.#subscriptions.keys()]) this.#forget(path);
  }

  #subscribe(path: string): Subscription {
    const watch = this.#options.live.watch(patternOf(path), (event) => {
      const { stopped } = subscription;
      if (!stopped) return this.#deliverIfAllowed(event);
      stopped.held.push(event);
      if (stopped.held.length > maxHeld) this.#forget(path);
    });
    const subscription: Subscription = { watch };
    return subscription;
  }

  #deliverIfAllowed(event: LiveEvent): void {
    if (this.#options.rights.mayRead(this.#listener, event.key, event.payload)) this.#deliver(event);
  }

  #forgetStopped(): void {
    for (const path of this.#stopped) this.#forget(path);
  }

  #forget(path: string): void {
    const subscription = this.#subscriptions.get(path);
    subscription?.stopped?.forget.cancel();
    subscription?.watch.end();
    this.#subscriptions.delete(path);
    this.#stopped.delete(path);
  }
}

function patternOf(path: string): (string | null)[] {
  return path.split("/").map((part) => (part === "*" ? null : part));
}

/** Serialises an event once for all clients. */
export function writeOnce(write: (event: LiveEvent) => string): (event: LiveEvent) => string {
  const written = new WeakMap<LiveEvent, string>();
  return (event) => {
    let text = written.get(event);
    if (text === undefined) written.set(event, (text = write(event)));
    return text;
  };
}
