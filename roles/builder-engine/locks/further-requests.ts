import type { Data, PendingRequest, RequestRank } from "@multimaster/data";
import { LockLaps } from "./lock-laps.ts";
import type { LockQuestions } from "./lock-questions.ts";
import type { RememberedWaits } from "./remembered-waits.ts";

export interface FurtherRequestsOptions {
  readonly data: Data;
  readonly questions: LockQuestions;
  readonly remembered: RememberedWaits;
  /** It is known that the request waits. */
  mustWait(request: PendingRequest): boolean;
}

/**
 * What a poll tries beside the first requests of the builders: those whose locks may be free now, those whose locks have just been
 * named, and some of those behind.
 */
export class FurtherRequests {
  #options: FurtherRequestsOptions;
  #laps: LockLaps;
  /** Undefined: this poll has not read them yet. */
  #read: readonly PendingRequest[] | undefined;
  /** Builders of which this poll could start a build. */
  #open: ReadonlySet<number> = new Set();

  constructor(options: FurtherRequestsOptions) {
    this.#options = options;
    this.#laps = new LockLaps({
      behind: (ranks, each) => options.data.updates.buildrequests.behind(ranks, each),
      mustWait: (request) => options.mustWait(request),
    });
  }

  beginPoll(): void {
    this.#read = undefined;
    this.#open = new Set();
  }

  /** The poll has tried the first requests of builders up to these ones. */
  endPoll(passed: readonly RequestRank[]): void {
    for (const last of passed) this.#laps.begin(last);
  }

  /** Read once in a poll. */
  async find(builderids: readonly number[]): Promise<readonly PendingRequest[]> {
    if (!this.#read) {
      this.#open = new Set(builderids);
      this.#read = await this.#readSome();
    }
    return this.#read;
  }

  has(buildrequestid: number): boolean {
    return this.#read?.some((one) => one.buildrequestid === buildrequestid) ?? false;
  }

  /** Whether this poll has left out some that it could have tried. */
  get isCut(): boolean {
    return this.#read !== undefined && this.#laps.isCut;
  }

  isOpen(builderid: number): boolean {
    return this.#open.has(builderid);
  }

  async #readSome(): Promise<readonly PendingRequest[]> {
    const { data, questions, remembered } = this.#options;
    const behind = await this.#laps.read((builderid) => this.#open.has(builderid));
    const wanted = new Set([...remembered.firsts(), ...questions.takeLate()]);
    for (const { buildrequestid } of behind) wanted.delete(buildrequestid);
    if (wanted.size === 0) return behind;
    const found = await data.updates.buildrequests.claimable([...wanted]);
    for (const { buildrequestid } of found) wanted.delete(buildrequestid);
    // They are built, or have ended.
    for (const id of wanted) remembered.forget(id);
    return [...found.filter(({ builderid }) => this.#open.has(builderid)), ...behind];
  }
}
