/**
 * What a run knows of a part of a rule's work when it is done with it, such as the builds of one builder. Later runs begin
 * behind it, and pass the part by as long as time alone has made nothing of it old enough.
 */
export interface Settled {
  /** All rows up to this one were old enough, and judged. */
  readonly after: number;
  /** No further row is old enough while the rule's horizon is before this second. */
  readonly quietUntil: number;
  /** What stays only because of newer builds is judged again once the builder has others than this newest one. */
  readonly newest?: number | undefined;
  /** What stayed was needed by something that ends, such as a report. */
  readonly hasNeeded: boolean;
}

interface Remembered extends Settled {
  readonly judgeAgainAt: number;
}

/** What is needed, kept or a branch's last success may not be so later: everything is judged again after so many seconds. */
const judgeAgainAfter = { needed: 3600, other: 86_400 };
/** The clocks of the masters, which the times of builds come from, may be so many seconds behind the database's. */
export const skewSeconds = 60;

/** What the runs of one master have settled, so that a rule without work costs almost nothing. Forgotten when the master ends. */
export class SettledParts {
  #plan = "";
  readonly #parts = new Map<string, Remembered>();

  /** Forgets what other rules have settled. */
  usePlan(hash: string): void {
    if (this.#plan !== hash) this.#parts.clear();
    this.#plan = hash;
  }

  /** Where a part begins that is due; undefined: it has nothing to do. */
  startOf(
    key: string,
    { now, horizon, newest }: { now: number; horizon: number; newest?: number },
  ): number | undefined {
    const part = this.#parts.get(key);
    if (!part || now >= part.judgeAgainAt) return 0;
    const isQuiet = horizon < part.quietUntil && (part.newest === undefined || part.newest === newest);
    return isQuiet ? undefined : part.after;
  }

  /** Remembers a part that was gone through from `start`. */
  settle(key: string, start: number, settled: Settled, now: number): void {
    const before = this.#parts.get(key);
    const seconds = settled.hasNeeded ? judgeAgainAfter.needed : judgeAgainAfter.other;
    // Behind rows that were passed over, less is known than of all.
    const judgeAgainAt = start > 0 && before ? Math.min(before.judgeAgainAt, now + seconds) : now + seconds;
    this.#parts.set(key, { ...settled, judgeAgainAt });
  }
}
