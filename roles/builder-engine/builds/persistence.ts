import { setMaxListeners } from "node:events";
import { isLeaseLoss } from "@multimaster/cluster";
import { Backoff, type Clock, type Failure, type Logger, onAbort } from "@multimaster/core";

/** This master no longer works under its lease: callers that wait for a write get this instead, and write nothing. */
export class Abandoned extends Error {
  override name = "Abandoned";
}

export interface PersistenceOptions {
  clock: Clock;
  log: Logger;
  /** Whether an error is of the database's absence or load, so that the same write may succeed later. */
  isPassing(error: unknown): boolean;
  /** The lease is gone: everything that hangs off it has to end. Called once. */
  onLeaseLost(): void;
}

/** Tries, over some ten seconds, of a write that fails for no reason known to pass by itself. */
const doubtfulTries = 8;

/**
 * The one place where a build's writes meet a database that is away: they are tried again until they succeed, the lease
 * is lost, or the role is stopped. A running build therefore outlives a restart of the database.
 */
export class Persistence {
  #options: PersistenceOptions;
  #abandoned = new AbortController();
  /** The writes that have failed and are tried again, the oldest first. */
  #failing = new Set<{ readonly since: number; error: unknown }>();

  constructor(options: PersistenceOptions) {
    this.#options = options;
    // Each write that waits for the database listens, and there may be any number of them.
    setMaxListeners(0, this.#abandoned.signal);
  }

  /** Whether an error is the database's and no one else's, so that what it made fail may succeed later. */
  isPassing(error: unknown): boolean {
    return this.#options.isPassing(error);
  }

  /** Of the write that has failed for the longest time. */
  failure(): Failure | undefined {
    const [oldest] = this.#failing;
    if (oldest === undefined) return undefined;
    const { since, error } = oldest;
    return { since, error, cause: error instanceof Error ? error.message : String(error) };
  }

  /** Aborts when nothing may be written any more. */
  get signal(): AbortSignal {
    return this.#abandoned.signal;
  }

  /** From now on every waiting and coming write rejects with `Abandoned`. */
  abandon(): void {
    this.#abandoned.abort();
  }

  /**
   * Writes, again and again if need be. `what` names the write in the log: "finish build 7". Rejects, beside with
   * `Abandoned`, when it fails for reasons that are not known to pass by themselves.
   */
  write<T>(what: string, write: () => Promise<T>): Promise<T> {
    return this.#persist(what, write, doubtfulTries);
  }

  /**
   * Writes what must not get lost while this master holds the lease: whatever makes it fail, it is tried until it
   * succeeds. Giving up would run to completion twice what has ended once.
   */
  insist<T>(what: string, write: () => Promise<T>): Promise<T> {
    return this.#persist(what, write, Number.POSITIVE_INFINITY);
  }

  async #persist<T>(what: string, write: () => Promise<T>, patience: number): Promise<T> {
    const failing = { since: Date.now(), error: undefined as unknown };
    try {
      return await this.#tryUntil(what, write, patience, (error) => {
        failing.error = error;
        this.#failing.add(failing);
      });
    } finally {
      this.#failing.delete(failing);
    }
  }

  async #tryUntil<T>(
    what: string,
    write: () => Promise<T>,
    patience: number,
    onFailure: (error: unknown) => void,
  ): Promise<T> {
    const { clock, log, isPassing } = this.#options;
    const backoff = new Backoff({ initial: 100, max: 5000 });
    for (let tries = 1; ; tries += 1) {
      if (this.#abandoned.signal.aborted) throw new Abandoned(`${what}: this master has stopped`);
      try {
        const result = await this.#unlessAbandoned(what, this.#noteFence(what, write()));
        if (tries > 1) log.info({ what, tries }, "a write that had failed has succeeded");
        return result;
      } catch (error) {
        if (error instanceof Abandoned) throw error;
        if (isLeaseLoss(error)) {
          this.#loseLease();
          throw new Abandoned(`${what}: the lease is lost`, { cause: error });
        }
        const passing = isPassing(error);
        if (!passing && tries >= patience) throw error;
        onFailure(error);
        // One line when it begins and one a minute or so: the database's absence is already reported elsewhere.
        if (tries === 1 || tries % 12 === 0)
          log[passing ? "warn" : "error"]({ what, tries, err: error }, `a write failed; it is tried again: ${what}`);
      }
      await clock.sleep(backoff.next(), this.#abandoned.signal);
    }
  }

  /** Also a write that no one waits for any more says that it came too late. */
  async #noteFence<T>(what: string, writing: Promise<T>): Promise<T> {
    try {
      return await writing;
    } catch (error) {
      if (isLeaseLoss(error))
        this.#options.log.warn({ what }, `${what}: fenced off, since the lease is lost; nothing was written`);
      throw error;
    }
  }

  /** A write that hangs in a frozen database must not hold up the end of everything. */
  #unlessAbandoned<T>(what: string, writing: Promise<T>): Promise<T> {
    const { signal } = this.#abandoned;
    return new Promise((resolve, reject) => {
      const give = () => reject(new Abandoned(`${what}: this master has stopped`));
      const ignore = onAbort(signal, give);
      writing.then(resolve, reject).finally(ignore);
    });
  }

  #loseLease(): void {
    if (this.#abandoned.signal.aborted) return;
    this.abandon();
    this.#options.onLeaseLost();
  }
}
