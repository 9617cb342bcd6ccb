import type { RequestRank } from "@multimaster/data";
import { compareRanks } from "../start-rules/order-requests.ts";

/** How long a lock counts as taken if no message says that it was released. */
const takenMs = 10_000;
/** Requests of one poll that are tried again since their locks may be free: of one lock, and of all. */
const most = { ofLock: 5, all: 60 };
/** Requests that are remembered; those that were found first are forgotten first. */
const mostRemembered = 100_000;

interface Taken {
  readonly until: number;
  /** Of the request that found it: a more urgent one may go before those that wait for the lock. */
  readonly priority: number;
  readonly lockids: readonly number[];
}

/**
 * Requests that were found waiting for locks, over many polls: so that of a long queue those are tried whose lock may be free. What is
 * remembered only saves tries. The database decides who has a lock.
 */
export class RememberedWaits {
  /** By what identifies a lock. */
  #waits = new Map<string, Map<number, RequestRank>>();
  #known = new Map<number, { readonly keys: readonly string[]; readonly builderid: number }>();
  #taken = new Map<string, Taken>();
  /** Locks from here on are the next whose requests are tried. */
  #from = 0;

  beginPoll(now: number): void {
    for (const [key, { until }] of this.#taken) if (until <= now) this.#taken.delete(key);
  }

  isTaken(key: string, priority: number): boolean {
    const taken = this.#taken.get(key);
    return taken !== undefined && priority <= taken.priority;
  }

  /** Returns whether that was not known. */
  noteTaken(key: string, { lockids, priority, now }: Pick<Taken, "lockids" | "priority"> & { now: number }): boolean {
    const isNew = !this.#taken.has(key);
    this.#taken.set(key, { until: now + takenMs, priority, lockids });
    return isNew;
  }

  /** The request waits for these locks. */
  noteWait(request: RequestRank, keys: readonly string[]): void {
    this.forget(request.buildrequestid);
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size >= mostRemembered) this.forget(oldest);
    this.#known.set(request.buildrequestid, { keys, builderid: request.builderid });
    for (const key of keys) {
      const waits = this.#waits.get(key) ?? new Map<number, RequestRank>();
      this.#waits.set(key, waits.set(request.buildrequestid, request));
    }
  }

  forget(buildrequestid: number): void {
    for (const key of this.#known.get(buildrequestid)?.keys ?? []) {
      const waits = this.#waits.get(key);
      waits?.delete(buildrequestid);
      if (waits?.size === 0) this.#waits.delete(key);
    }
    this.#known.delete(buildrequestid);
  }

  /** Of a request that is remembered, its builder. */
  builderOf(buildrequestid: number): number | undefined {
    return this.#known.get(buildrequestid)?.builderid;
  }

  /** Whether a request waits here for the lock that was released. */
  released(lockid: number): boolean {
    let isWanted = false;
    for (const [key, { lockids }] of this.#taken) {
      if (!lockids.includes(lockid)) continue;
      this.#taken.delete(key);
      isWanted ||= this.#waits.has(key);
    }
    return isWanted;
  }

  /** Of each lock that may be free the first ones that wait for it, and for no other that is taken; of many locks some. */
  firsts(): number[] {
    const keys = [...this.#waits.keys()].filter((key) => !this.#taken.has(key));
    const turn = keys.length === 0 ? 0 : this.#from % keys.length;
    const found = new Set<number>();
    let tried = 0;
    for (const key of [...keys.slice(turn), ...keys.slice(0, turn)]) {
      if (found.size >= most.all) break;
      tried += 1;
      for (const id of this.#firstsOf(key)) found.add(id);
    }
    this.#from = turn + tried;
    return [...found];
  }

  #firstsOf(key: string): number[] {
    const first: RequestRank[] = [];
    for (const request of this.#waits.get(key)?.values() ?? []) {
      const last = first.at(-1);
      if (first.length >= most.ofLock && last && compareRanks(request, last) > 0) continue;
      const others = this.#known.get(request.buildrequestid)?.keys ?? [];
      if (others.some((other) => this.isTaken(other, request.priority))) continue;
      first.push(request);
      first.sort(compareRanks).splice(most.ofLock);
    }
    return first.map(({ buildrequestid }) => buildrequestid);
  }
}
