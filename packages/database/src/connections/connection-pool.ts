import type { PooledConnection } from "./pooled-connection.ts";

export interface PoolOptions<C extends PooledConnection> {
  readonly max: number;
  /** As many idle connections are kept open, however long they are idle. */
  readonly keep: number;
  /** A user who has waited for so long for a connection gets an error. */
  readonly acquireMs: number;
  /** A connection that is idle for so long is closed. */
  readonly idleMs: number;
  open(): Promise<C>;
}

interface Waiter<C> {
  readonly timer: NodeJS.Timeout;
  resolve(connection: C): void;
  reject(error: unknown): void;
}

/** Lends connections, each to one user at a time, and opens them when they are needed. Whoever waits is served in order. */
export class ConnectionPool<C extends PooledConnection> {
  readonly #options: PoolOptions<C>;
  /** The one used last is at the end, and is used next. */
  readonly #idle: { readonly connection: C; readonly since: number }[] = [];
  readonly #lent = new Set<C>();
  readonly #waiting: Waiter<C>[] = [];
  readonly #ends = new Set<Promise<void>>();
  #opening = 0;
  #reaper: NodeJS.Timeout | undefined;
  #closed: Promise<void> | undefined;
  #whenUnused: () => void = () => {};

  constructor(options: PoolOptions<C>) {
    this.#options = options;
  }

  async acquire(): Promise<C> {
    if (this.#closed) throw closedError();
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      if (idle.connection.isSpoilt) this.#end(idle.connection);
      else {
        this.#lent.add(idle.connection);
        return idle.connection;
      }
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(new Error(`Timeout acquiring a connection: ${this.#lent.size} of ${this.#options.max} are in use.`));
      }, this.#options.acquireMs);
      const waiter: Waiter<C> = { timer, resolve, reject };
      this.#waiting.push(waiter);
      this.#openForWaiting();
    });
  }

  /** Takes a connection back from its user. */
  release(connection: C): void {
    this.#lent.delete(connection);
    this.#offer(connection);
  }

  /** Closes every connection, those in use once they are released. */
  close(): Promise<void> {
    this.#closed ??= this.#closeAll();
    return this.#closed;
  }

  #offer(connection: C): void {
    if (this.#closed || connection.isSpoilt) {
      this.#end(connection);
      this.#openForWaiting();
      if (this.#lent.size + this.#opening === 0) this.#whenUnused();
      return;
    }
    const waiter = this.#waiting.shift();
    if (waiter) {
      clearTimeout(waiter.timer);
      this.#lent.add(connection);
      waiter.resolve(connection);
      return;
    }
    this.#idle.push({ connection, since: performance.now() });
    const { idleMs, keep } = this.#options;
    if (this.#idle.length > keep) this.#reaper ??= setTimeout(() => this.#reap(), idleMs);
  }

  #openForWaiting(): void {
    while (this.#opening < this.#waiting.length && this.#lent.size + this.#opening < this.#options.max) {
      this.#opening += 1;
      void this.#open();
    }
  }

  async #open(): Promise<void> {
    try {
      const connection = await this.#options.open();
      this.#opening -= 1;
      this.#offer(connection);
    } catch (error) {
      this.#opening -= 1;
      const waiter = this.#waiting.shift();
      if (waiter) {
        clearTimeout(waiter.timer);
        waiter.reject(error);
      }
      this.#openForWaiting();
      if (this.#lent.size + this.#opening === 0) this.#whenUnused();
    }
  }

  #reap(): void {
    this.#reaper = undefined;
    const { idleMs, keep } = this.#options;
    const now = performance.now();
    for (let first = this.#idle[0]; first && this.#idle.length > keep; first = this.#idle[0]) {
      const left = first.since + idleMs - now;
      if (left > 1) {
        this.#reaper = setTimeout(() => this.#reap(), left);
        return;
      }
      this.#idle.shift();
      this.#end(first.connection);
    }
  }

  #end(connection: C): void {
    const end = connection.close().catch(() => {});
    this.#ends.add(end);
    void end.then(() => this.#ends.delete(end));
  }

  async #closeAll(): Promise<void> {
    clearTimeout(this.#reaper);
    for (const { timer, reject } of this.#waiting.splice(0)) {
      clearTimeout(timer);
      reject(closedError());
    }
    for (const { connection } of this.#idle.splice(0)) this.#end(connection);
    if (this.#lent.size + this.#opening > 0) await new Promise<void>((resolve) => (this.#whenUnused = resolve));
    await Promise.all(this.#ends);
  }
}

/** No trouble of the database: trying again does not help. */
function closedError(): Error {
  return new Error("The database has been closed.");
}
