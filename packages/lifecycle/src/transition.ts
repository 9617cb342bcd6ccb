import { type Connection, saysSomething } from "@multimaster/database";
import { noteEnds } from "./note-ends.ts";
import { insertOutboxEntries, type OutboxEntry } from "./outbox.ts";
import { noOutcomes, type Outcomes } from "./outcomes.ts";

/** A transaction in which things begin or end: where each of them notes what it changed. */
export interface Transition {
  readonly tx: Connection;
  readonly outcomes: Outcomes;
  /** Notes a row for the outbox. */
  record(kind: OutboxEntry["kind"], objectid: number, facts: OutboxEntry["facts"]): void;
}

/**
 * Runs transitions in the caller's transaction, and then writes their rows of the outbox, all in one statement. The outcomes
 * are to be published once the transaction is committed.
 */
export async function transition<T>(
  tx: Connection,
  act: (t: Transition) => Promise<T>,
): Promise<{ result: T; outcomes: Outcomes }> {
  const outcomes = noOutcomes();
  const entries: OutboxEntry[] = [];
  const result = await act({
    tx,
    outcomes,
    record: (kind, objectid, facts) => void entries.push({ kind, objectid, facts }),
  });
  // Last, since it locks rows that every transition locks last.
  await noteEnds(tx, endedBuilds(entries));
  await insertOutboxEntries(tx, entries);
  return { result, outcomes };
}

/** Builds whose end says whether their builder passes or fails. */
function endedBuilds(entries: readonly OutboxEntry[]): number[] {
  return entries.flatMap(({ kind, objectid, facts }) =>
    kind === "build-ended" && saysSomething.includes(Number(facts["results"])) ? objectid : [],
  );
}
