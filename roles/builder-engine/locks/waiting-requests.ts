import type { Clock } from "@multimaster/core";
import type { Data } from "@multimaster/data";
import type { LockMetrics } from "./lock-metrics.ts";

export interface WaitingRequestsOptions {
  readonly data: Data;
  readonly metrics: LockMetrics;
  readonly clock: Clock;
}

/** The requests of this engine that wait in the rows, with the locks that they are short of. */
export class WaitingRequests {
  #data: Data;
  #metrics: LockMetrics;
  #clock: Clock;
  #waiting = new Map<number, { readonly lockids: readonly number[]; readonly since: number }>();

  constructor({ data, metrics, clock }: WaitingRequestsOptions) {
    this.#data = data;
    this.#metrics = metrics;
    this.#clock = clock;
  }

  note(buildrequestid: number, lockids: readonly number[]): void {
    const since = this.#waiting.get(buildrequestid)?.since ?? this.#clock.now();
    this.#waiting.set(buildrequestid, { lockids, since });
  }

  /** It waits no more; returns how long it has waited. */
  end(buildrequestid: number): number | undefined {
    const waited = this.#waiting.get(buildrequestid);
    this.#waiting.delete(buildrequestid);
    return waited && this.#clock.now() - waited.since;
  }

  isShortOf(lockid: number): boolean {
    for (const { lockids } of this.#waiting.values()) if (lockids.includes(lockid)) return true;
    return false;
  }

  /** Ends the waits of all others: of requests that could go no more but for their locks. */
  async keep(waits: (buildrequestid: number) => boolean): Promise<void> {
    const gone = [...this.#waiting.keys()].filter((id) => !waits(id));
    for (const id of gone) this.#waiting.delete(id);
    this.#metrics.waiting("build", this.#waiting.size);
    if (gone.length === 0) return;
    await this.#data.updates.locks.withdraw(gone.map((buildrequestid) => ({ buildrequestid, stepid: 0 })));
  }
}
