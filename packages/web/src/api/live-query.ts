import type { NounName } from "@multimaster/data";
import { type FieldOf, formatRead, type PathOf, type Query, type Row, type Topic } from "@multimaster/data/client";
import { useEffect, useState } from "preact/hooks";
import { liveSocket } from "./live-socket.ts";
import { ApiError, parsePage, readText } from "./read.ts";

/** What a page knows about its rows. */
export interface QueryState<Item> {
  /** Undefined until they have been read once. */
  readonly rows: readonly Item[] | undefined;
  readonly total: number | undefined;
  /** Of the last attempt. */
  readonly error: ApiError | undefined;
}

const shortestGapMs = 400;
const longestGapMs = 5_000;
const hiddenGapMs = 15_000;
const pollMs = 3_000;
/** Rows are read this often even with a stream: an event may have been lost. */
const longestRestMs = 60_000;
const keepMs = 60_000;

/** The rows at one address, read again at each event of its topics; shared by all components that show them. */
class LiveQuery {
  state: QueryState<never> = { rows: undefined, total: undefined, error: undefined };
  readonly #noun: string;
  readonly #address: string;
  readonly #topics: readonly Topic[];
  readonly #restMs: number;
  readonly #listeners = new Set<() => void>();
  #text: string | undefined;
  #ends: (() => void)[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #hasBegun = false;
  #reading = false;
  #isStale = false;
  #lastMs = 0;
  #readAt = 0;

  constructor(noun: string, address: string, topics: readonly Topic[], restMs: number) {
    this.#noun = noun;
    this.#address = address;
    this.#topics = topics;
    this.#restMs = restMs;
  }

  use(listener: () => void): () => void {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#begin();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#end();
    };
  }

  get isUsed(): boolean {
    return this.#listeners.size > 0;
  }

  /** Reads again soon; many calls in a row cause one read. */
  readonly wake = (): void => {
    if (!this.#hasBegun) return;
    if (this.#reading) this.#isStale = true;
    else this.#schedule(document.hidden ? hiddenGapMs : this.#gapMs());
  };

  #begin(): void {
    this.#ends = this.#topics.map((topic) => liveSocket.subscribe(topic, this.wake));
    if (this.#topics.length > 0) this.#ends.push(liveSocket.onChange(() => this.#noteStream()));
    liveSocket.settled(this.#topics).then(() => {
      if (!this.isUsed || this.#hasBegun) return;
      this.#hasBegun = true;
      this.#read();
    });
  }

  #end(): void {
    this.#hasBegun = false;
    for (const end of this.#ends) end();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Without a stream the next read must come earlier than with one. */
  #noteStream(): void {
    if (this.#hasBegun && !this.#reading && !liveSocket.isComplete) this.#schedule(this.#intervalMs());
  }

  /** The slower the answers, the longer the pause between reads. */
  #gapMs(): number {
    const gap = Math.min(Math.max(this.#lastMs * 3, shortestGapMs), longestGapMs);
    return Math.max(0, this.#readAt + gap - performance.now());
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#read(), ms);
  }

  async #read(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    this.#isStale = false;
    const began = performance.now();
    try {
      const text = await readText(this.#address);
      noteAnswer(undefined);
      if (text !== this.#text || this.state.error) {
        this.#text = text;
        const { items, total } = parsePage<never>(this.#noun, text);
        this.#show({ rows: items, total, error: undefined });
      }
    } catch (error) {
      const known = error instanceof ApiError ? error : new ApiError(0, String(error));
      noteAnswer(known);
      // Rows that were read before stay on the page; the status bar says that they are old.
      this.#show({ ...this.state, error: known });
    }
    this.#reading = false;
    this.#lastMs = performance.now() - began;
    this.#readAt = performance.now();
    if (!this.isUsed) return;
    if (this.#isStale) this.wake();
    else if (this.#topics.length > 0 || isOutage(this.state.error)) this.#schedule(this.#intervalMs());
  }

  #intervalMs(): number {
    if (document.hidden) return hiddenGapMs * 2;
    const isNotified = liveSocket.isComplete && !isOutage(this.state.error);
    return isNotified ? this.#restMs : Math.max(pollMs, Math.min(this.#lastMs * 3, longestGapMs));
  }

  #show(state: QueryState<never>): void {
    this.state = state;
    for (const listener of this.#listeners) listener();
  }
}

const queries = new Map<string, { query: LiveQuery; usedAt: number }>();

/** Drops lists that have been unused for a while; until then, going back to a page shows them immediately. */
function forgetUnused(): void {
  for (const [key, { query, usedAt }] of queries)
    if (!query.isUsed && performance.now() - usedAt > keepMs) queries.delete(key);
}

function findQuery(noun: string, address: string, topics: readonly Topic[], restMs: number): LiveQuery {
  const key = `${address} ${topics.join(" ")}`;
  const found = queries.get(key)?.query;
  if (!found) forgetUnused();
  const query = found ?? new LiveQuery(noun, address, topics, restMs);
  queries.set(key, { query, usedAt: performance.now() });
  return query;
}

/**
 * Objects of a noun, kept up to date by the events of `topics`. They are also read again after `restMs`, which is shorter for
 * rows that change without an event. Without a path nothing is read.
 */
export function useRows<N extends NounName, F extends FieldOf<N> = FieldOf<N>>(
  noun: N,
  path: PathOf<N> | undefined,
  query?: Query<N, F>,
  topics?: readonly Topic[],
  restMs?: number,
): QueryState<Row<N, F>> {
  return useAnswer(noun, path && formatRead(path, query), topics, restMs);
}

/** One object of a noun. */
export function useRow<N extends NounName, F extends FieldOf<N> = FieldOf<N>>(
  noun: N,
  path: PathOf<N> | undefined,
  query?: Query<N, F>,
  topics?: readonly Topic[],
  restMs?: number,
): { row: Row<N, F> | undefined; error: ApiError | undefined } {
  const { rows, error } = useRows(noun, path, query, topics, restMs);
  return { row: rows?.[0], error };
}

/** The list that an address answers under a name: for answers like those of the data API that are not about a noun. */
export function useAnswer<Item>(
  name: string,
  address: string | undefined,
  topics: readonly Topic[] = [],
  restMs = longestRestMs,
): QueryState<Item> {
  const query = address === undefined ? undefined : findQuery(name, address, topics, restMs);
  const [, redraw] = useState(0);
  useEffect(() => {
    if (!query) return;
    redraw((n) => n + 1);
    return query.use(() => redraw((n) => n + 1));
  }, [query]);
  return query?.state ?? { rows: undefined, total: undefined, error: undefined };
}

/** Reads all lists again that are shown: an action may have changed any of them. */
export function wakeAll(): void {
  for (const { query } of queries.values()) if (query.isUsed) query.wake();
}

/** Since when the server has not answered, in seconds, with the last error: the pages show the state of that time. */
export const reach: {
  lostSince: number | undefined;
  error: ApiError | undefined;
  readonly listeners: Set<() => void>;
} = { lostSince: undefined, error: undefined, listeners: new Set() };

/** The server does not answer, or no master can. That passes by itself, so reads are retried. */
function isOutage(error: ApiError | undefined): error is ApiError {
  return error?.status === 0 || error?.status === 503;
}

function noteAnswer(error: ApiError | undefined): void {
  const isLost = isOutage(error);
  if (isLost !== (reach.lostSince === undefined)) return;
  reach.lostSince = isLost ? Date.now() / 1000 : undefined;
  reach.error = isLost ? error : undefined;
  if (!isLost) liveSocket.retryNow();
  for (const listener of reach.listeners) listener();
}
