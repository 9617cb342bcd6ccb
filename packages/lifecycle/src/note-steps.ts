import type { Result } from "@multimaster/core";
import { type Connection, queryRows } from "@multimaster/database";
import { insertOutboxEntries } from "./outbox.ts";

/** Steps of one build that are noted: a build may add thousands. */
export const mostStepsNoted = 200;

export interface NotedStep {
  readonly stepid: number;
  readonly buildid: number;
  readonly number: number;
  readonly name: string;
  /** How it ended; absent: it began. */
  readonly results?: Result | undefined;
}

/** Notes steps in the outbox, in the transaction in which they begin or end. */
export async function noteSteps(tx: Connection, steps: readonly NotedStep[]): Promise<void> {
  const entries = steps
    .filter(({ number }) => number < mostStepsNoted)
    .map(({ stepid, results, ...facts }) => ({
      kind: results === undefined ? ("step-started" as const) : ("step-ended" as const),
      objectid: stepid,
      facts: results === undefined ? facts : { ...facts, results },
    }));
  if (entries.length > 0) await insertOutboxEntries(tx, entries);
}

/** What is noted of a step beside its result. */
export async function readNotedStep(tx: Connection, stepid: number): Promise<NotedStep | undefined> {
  const rows = await queryRows<NotedStep>(tx, "select id as stepid, buildid, number, name from steps where id = ?", [
    stepid,
  ]);
  return rows[0];
}
