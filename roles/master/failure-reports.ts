import { type Clock, type FailedService, type Logger, type Service, WakeupLoop } from "@multimaster/core";
import type { Data } from "@multimaster/data";

export interface FailureReportsOptions {
  readonly data: Pick<Data, "updates" | "isDatabaseAway">;
  /** What fails on this master now. */
  failures(): readonly FailedService[];
  readonly clock: Clock;
  readonly log: Logger;
}

const pollMs = 2000;

/** Writes down which services of this master fail again and again, so that every master can show it. */
export function createFailureReports({ data, failures, clock, log }: FailureReportsOptions): Service {
  // Nothing is written for a master on which nothing has failed.
  let written = "[]";

  async function look(): Promise<void> {
    const found = failures().map(({ service, since, cause }) => ({ service, since: since / 1000, cause }));
    const text = JSON.stringify(found);
    if (text === written) return;
    try {
      await data.updates.masters.saveFailures(found);
      written = text;
    } catch (error) {
      // While the database is away everything fails, which is reported elsewhere.
      if (!data.isDatabaseAway(error)) throw error;
    }
  }

  const loop = new WakeupLoop({ name: "failure reports", clock, log, pollMs, poll: look });
  return { name: "failure reports", start: async () => loop.start(), stop: () => loop.stop() };
}
