import type { PendingRequest, RequestRank } from "@multimaster/data";

/** What one poll reads behind the first requests: of so many builders so many requests, of which so many get tried. */
const most = { builders: 4, read: 100, tried: 10 };

export interface LockLapsOptions {
  /** Requests behind these ones of their builders, by rank. */
  behind(ranks: readonly RequestRank[], each: number): Promise<PendingRequest[]>;
  /** It is known that the request waits. */
  mustWait(request: PendingRequest): boolean;
}

/**
 * Walks through the requests that stand behind those that wait for locks, some of them in each poll: the locks that these need
 * are not known before a function has named them, and may be free.
 */
export class LockLaps {
  #options: LockLapsOptions;
  /** By builder, the last request that was passed; the builder that waits longest for its turn comes first. */
  #passed = new Map<number, RequestRank>();
  #isCut = false;

  constructor(options: LockLapsOptions) {
    this.#options = options;
  }

  /** Whether the last read left out requests that could have been tried, since it had enough. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** A poll has tried the first requests of a builder up to this one, and all of them wait. */
  begin(last: RequestRank): void {
    if (!this.#passed.has(last.builderid)) this.#passed.set(last.builderid, last);
  }

  /** Those that are to be tried in this poll. `isOpen`: a build of the builder could start. */
  async read(isOpen: (builderid: number) => boolean): Promise<PendingRequest[]> {
    this.#isCut = false;
    const ranks = [...this.#passed.values()].filter(({ builderid }) => isOpen(builderid)).slice(0, most.builders);
    if (ranks.length === 0) return [];
    const found = await this.#options.behind(ranks, most.read);
    return ranks.flatMap(({ builderid }) => {
      const ofBuilder = found.filter((request) => request.builderid === builderid);
      return this.#walk(ofBuilder, builderid);
    });
  }

  #walk(requests: readonly PendingRequest[], builderid: number): PendingRequest[] {
    const tried: PendingRequest[] = [];
    let last: PendingRequest | undefined;
    for (const request of requests) {
      if (tried.length >= most.tried) break;
      last = request;
      if (!this.#options.mustWait(request)) tried.push(request);
    }
    this.#passed.delete(builderid);
    const isLapOver = requests.length < most.read && last === requests.at(-1);
    if (last && !isLapOver) this.#passed.set(builderid, last);
    if (tried.length >= most.tried && !isLapOver) this.#isCut = true;
    return tried;
  }
}
