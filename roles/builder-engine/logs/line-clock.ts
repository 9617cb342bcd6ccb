import type { LogTime } from "@multimaster/data";

/** Lines of one second have one time. */
const shortestMs = 1_000;
/** Later in a long log, times come less often: a step of a day has some thousand of them at most. */
const part = 1 / 500;

/**
 * Notes when lines are printed, in few words: no time for a step that takes less than a second, and none that differs from
 * the one before by less than 1/500 of the step's age.
 */
export class LineClock {
  readonly #now: () => number;
  readonly #begun: number;
  #last: number;
  #noted: LogTime[] = [];

  /** `begun`: when the step began; until another time is noted, lines are of then. */
  constructor(now: () => number, begun: number) {
    this.#now = now;
    this.#begun = begun;
    this.#last = begun;
  }

  /** A line was printed now. */
  note(line: number): void {
    const now = this.#now();
    if (now - this.#last < Math.max(shortestMs, (now - this.#begun) * part)) return;
    this.#last = now;
    this.#noted.push({ line, at: Math.floor(now / 1000) });
  }

  /** What was noted since the last call. */
  take(): readonly LogTime[] {
    return this.#noted.splice(0);
  }
}
