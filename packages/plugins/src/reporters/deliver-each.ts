import { findGreatest } from "@multimaster/core";
import { ReportFailure } from "../report-failure.ts";

/** What of a report has arrived, by the keys of the places that it goes to. */
export interface Progress<Place> {
  keyOf(place: Place): string;
  /** Keys of those that an earlier attempt has reached. */
  readonly done: readonly string[];
  /** Called with the keys of all that have been reached, after each place: the next attempt leaves them out. */
  save(done: readonly string[]): void;
}

/**
 * Delivers a report that goes to several places, to each of them once: what an earlier attempt has delivered is left out, and a place
 * that refuses the report holds up no other. Fails with what all of them say.
 */
export async function deliverEach<Place>(
  places: readonly Place[],
  { keyOf, done: before, save }: Progress<Place>,
  deliver: (place: Place) => Promise<void>,
): Promise<void> {
  const done = [...before];
  const failures: ReportFailure[] = [];
  for (const place of places) {
    const key = keyOf(place);
    if (done.includes(key)) continue;
    try {
      await deliver(place);
      done.push(key);
      save(done);
    } catch (error) {
      // A target that takes nothing takes no other part either.
      if (!(error instanceof ReportFailure) || error.failure.of === "target") throw error;
      failures.push(error);
    }
  }
  if (failures.length > 0) throw joinFailures(failures);
}

function joinFailures(failures: readonly ReportFailure[]): ReportFailure {
  const [only] = failures;
  if (only && failures.length === 1) return only;
  const sentences = [...new Set(failures.map(({ message }) => message))];
  return new ReportFailure(sentences.join("; "), {
    // What one place will never take, another one may take later.
    of: (["report", "suspended"] as const).find((of) => failures.some(({ failure }) => failure.of === of)) ?? "refused",
    unsure: failures.some(({ failure }) => failure.unsure === true),
    retryAfterMs: findGreatest(
      failures.flatMap(({ failure }) => failure.retryAfterMs ?? []),
      (ms) => ms,
    ),
  });
}
