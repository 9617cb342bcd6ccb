import { ReportFailure } from "@multimaster/plugins";

/** Keeps states in order at places that reports of several contexts share: a report that was overtaken there passes the place over. */
export class PlaceOrder {
  readonly #saved: (place: string) => Promise<number | undefined>;
  /** The last delivery of each place that is under way. */
  readonly #tails = new Map<string, Promise<void>>();
  /** The latest report of each place that is not written down yet. */
  readonly #latest = new Map<string, number>();

  constructor(saved: (place: string) => Promise<number | undefined>) {
    this.#saved = saved;
  }

  /** Delivers what a report says of a place, one report at a time, unless a later one was there. */
  async deliver(place: string, reportid: number, deliver: () => Promise<void>): Promise<void> {
    const before = this.#tails.get(place) ?? Promise.resolve();
    const run = before.then(async () => {
      const latest = Math.max(this.#latest.get(place) ?? 0, (await this.#saved(place)) ?? 0);
      if (latest > reportid) return;
      try {
        await deliver();
      } catch (error) {
        // Where its answer is lost, it may be there.
        if (!(error instanceof ReportFailure) || error.failure.unsure === true) this.#latest.set(place, reportid);
        throw error;
      }
      this.#latest.set(place, reportid);
    });
    const tail = run.catch(() => undefined);
    this.#tails.set(place, tail);
    try {
      await run;
    } finally {
      if (this.#tails.get(place) === tail) this.#tails.delete(place);
    }
  }

  /** The places where these reports are the latest, with their ids; forgotten here once `written` is called. */
  latestOf(reportids: ReadonlySet<number>): ReadonlyMap<string, number> {
    return new Map([...this.#latest].filter(([, id]) => reportids.has(id)));
  }

  written(places: ReadonlyMap<string, number>): void {
    for (const [place, id] of places) if (this.#latest.get(place) === id) this.#latest.delete(place);
  }
}
