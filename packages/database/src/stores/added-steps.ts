import { Results } from "@multimaster/core";
import type { Connection } from "../connection.ts";
import { queryRows } from "../dialect.ts";
import { longest, truncateText } from "./column-text.ts";
import { findFreeName } from "./free-name.ts";
import { insertRows } from "./insert-rows.ts";
import { movePending, nextNumber, type StepRow, stepsOfBuild } from "./steps.ts";

/** How a step came to its build: after the one that added it, after all others, as part of it, or out of its output. */
export type AdditionKind = "next" | "end" | "together" | "announced";

export interface AdditionRow {
  buildid: number;
  /** The step that adds them. */
  addedBy: number;
  /** Which of that step's additions it is. */
  batch: number;
  kind: AdditionKind;
  /** They come before this pending step; undefined: after all. */
  before?: number | undefined;
  steps: readonly { readonly name: string; readonly addition: string }[];
}

/** Adds steps that have not started. The caller holds the build's row. A repeated call returns the same rows. */
export async function insertAddedSteps(tx: Connection, added: AdditionRow): Promise<StepRow[]> {
  const { buildid, addedBy, batch, kind, before } = added;
  const known = await readAddition(tx, addedBy, batch);
  if (known.length > 0) return known;
  const rows = await stepsOfBuild(tx, buildid);
  const first = rows.find(({ id }) => id === before)?.number ?? nextNumber(rows);
  if (rows.some(({ number }) => number >= first))
    await movePending(tx, buildid, { from: first, by: added.steps.length });
  const taken = new Set(rows.map(({ name }) => name));
  await insertRows(
    tx,
    "steps",
    added.steps.map(({ name: wanted }, i) => {
      const name = findFreeName(truncateText(wanted, 50), taken, 1);
      taken.add(name);
      return { buildid, number: first + i, name, state_string: "pending", urls_json: "[]", hidden: 0 };
    }),
  );
  const inserted = await queryRows<StepRow>(
    tx,
    "select id, number, name from steps where buildid = ? and number >= ? and number < ? order by number",
    [buildid, first, first + added.steps.length],
  );
  await insertRows(
    tx,
    "mm_added_steps",
    inserted.map(({ id }, i) => ({
      stepid: id,
      added_by: addedBy,
      batch,
      kind,
      addition: added.steps[i]?.addition ?? "null",
    })),
  );
  return inserted;
}

function readAddition(tx: Connection, addedBy: number, batch: number): Promise<StepRow[]> {
  return queryRows(
    tx,
    `select s.id, s.number, s.name from mm_added_steps a join steps s on s.id = a.stepid
      where a.added_by = ? and a.batch = ? order by s.number`,
    [addedBy, batch],
  );
}

/** A step that was added starts; false: it has started or ended before. */
export async function startAddedStep(tx: Connection, stepid: number): Promise<boolean> {
  const started = await queryRows(
    tx,
    `update steps set started_at = ${tx.dialect.nowSeconds}, locks_acquired_at = ${tx.dialect.nowSeconds}
      where id = ? and started_at is null and complete_at is null returning id`,
    [stepid],
  );
  return started.length > 0;
}

/** Added steps end without having started; returns those that had not. */
export async function skipAddedSteps(tx: Connection, stepids: readonly number[], state: string): Promise<number[]> {
  const wanted = tx.dialect.isOneOf("id", stepids);
  const rows = await queryRows<{ id: number }>(
    tx,
    `update steps set complete_at = ${tx.dialect.nowSeconds}, results = ?, state_string = ?
      where ${wanted.sql} and started_at is null and complete_at is null returning id`,
    [Results.SKIPPED, truncateText(state, longest.sentence), ...wanted.bindings],
  );
  return rows.map(({ id }) => id).sort((a, b) => a - b);
}
