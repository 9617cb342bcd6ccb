import type { RequestRank } from "@multimaster/data";
import type { ConfiguredBuilder } from "../builds/configured-builder.ts";
import { compareRanks } from "../start-rules/order-requests.ts";
import type { AttachedWorker } from "../workers/attached-worker.ts";
import { fixedUses } from "./builder-locks.ts";

/** How many requests of a builder, of those that come first, may wait in one poll before it reads no more of them. */
const mostFirst = 12;
/** Workers on which a poll tries a request whose locks depend on the worker. */
const mostWorkers = 3;

/** A lock that was found taken; `worker` of one that each worker has. */
export interface ShortLock {
  readonly name: string;
  readonly worker: AttachedWorker | undefined;
}

/** What one poll has found out: which locks are taken, and which requests wait for them. */
export class PollFindings {
  /** By what identifies a lock. */
  #short = new Map<string, ShortLock>();
  /** Requests that wait. */
  #found = new Set<number>();
  /** Those of them that would wait on any worker: they are not tried again. */
  #denied = new Set<number>();
  /** How many those are, by builder, of the first requests. */
  #deniedOf = new Map<number, number>();
  /** By builder, the last in rank of the first requests that wait. */
  #lastFirst = new Map<number, RequestRank>();
  /** On how many workers a request was tried in vain. */
  #tries = new Map<number, number>();
  /** How often that was so, over all polls. */
  #vain = 0;
  /** Builders that have pending requests. */
  #pendingOf = new Set<number>();

  begin(): void {
    this.#short.clear();
    this.#found.clear();
    this.#denied.clear();
    this.#deniedOf.clear();
    this.#lastFirst.clear();
    this.#tries.clear();
    this.#pendingOf.clear();
  }

  /** Grows with whatever is found out. */
  get count(): number {
    return this.#found.size + this.#short.size + this.#vain;
  }

  get hasShort(): boolean {
    return this.#short.size > 0;
  }

  short(key: string): ShortLock | undefined {
    return this.#short.get(key);
  }

  noteShort(key: string, lock: ShortLock): void {
    this.#short.set(key, lock);
  }

  isFound(buildrequestid: number): boolean {
    return this.#found.has(buildrequestid);
  }

  noteFound(buildrequestid: number): void {
    this.#found.add(buildrequestid);
  }

  /** The request was tried on a worker in vain; returns whether it was on enough of them. */
  noteVain(buildrequestid: number): boolean {
    const tries = (this.#tries.get(buildrequestid) ?? 0) + 1;
    this.#tries.set(buildrequestid, tries);
    this.#vain += 1;
    return tries >= mostWorkers;
  }

  isDenied(buildrequestid: number): boolean {
    return this.#denied.has(buildrequestid);
  }

  /** The request waits on any worker. `isFirst`: it is one of those that come first of its builder. */
  deny(request: RequestRank, isFirst: boolean): void {
    const { buildrequestid, builderid } = request;
    this.#found.add(buildrequestid);
    if (this.#denied.has(buildrequestid)) return;
    this.#denied.add(buildrequestid);
    if (!isFirst) return;
    this.#deniedOf.set(builderid, (this.#deniedOf.get(builderid) ?? 0) + 1);
    const last = this.#lastFirst.get(builderid);
    if (last === undefined || compareRanks(request, last) > 0) this.#lastFirst.set(builderid, request);
  }

  /** Whether enough of the builder's first requests wait: no more of them are read. */
  isPassed(builderid: number): boolean {
    return (this.#deniedOf.get(builderid) ?? 0) >= mostFirst;
  }

  /** Of each builder that is passed, the last of the requests that were tried. */
  get lastPassed(): RequestRank[] {
    return [...this.#lastFirst.values()].filter(({ builderid }) => this.isPassed(builderid));
  }

  /** How many more requests have to be read to get past those that wait. */
  get deniedCount(): number {
    let count = 0;
    for (const [builderid, denied] of this.#deniedOf) if (!this.isPassed(builderid)) count += denied;
    return count;
  }

  notePending(requests: readonly RequestRank[]): void {
    for (const { builderid } of requests) this.#pendingOf.add(builderid);
  }

  /** The builders of which requests wait whose locks are the same for every build, with those that are taken. */
  taken(builders: ReadonlyMap<number, ConfiguredBuilder>): { builder: ConfiguredBuilder; lock: ShortLock }[] {
    if (!this.hasShort) return [];
    return [...this.#pendingOf].flatMap((id) => {
      const builder = builders.get(id);
      const names = new Set(builder && fixedUses(builder).map(({ lock }) => lock.name));
      return [...this.#short.values()].flatMap((lock) => (builder && names.has(lock.name) ? { builder, lock } : []));
    });
  }
}
