import { pythonJson, type Result } from "@multimaster/core";
import type { Connection } from "../connection.ts";
import { execute, queryRows } from "../dialect.ts";
import { together } from "../together.ts";
import { updateRows } from "../update-rows.ts";
import { longest, truncateText } from "./column-text.ts";
import { findFreeName, isNamedAfter } from "./free-name.ts";

export interface StepRow {
  id: number;
  number: number;
  name: string;
}

/**
 * Adds a step, started, after those of its build that have started. The caller holds the build's row. A last step of that
 * name which runs is what an earlier call began whose answer was lost: it is given again, since the steps of a build run one
 * after the other.
 */
export async function beginStep(tx: Connection, buildid: number, name: string): Promise<StepRow> {
  const rows = await stepsOfBuild(tx, buildid);
  const wanted = truncateText(name, 50);
  const begun = rows.filter(({ pending }) => pending === 0);
  const last = begun.toSorted((a, b) => b.number - a.number)[0];
  if (last?.open === 1 && isNamedAfter(last.name, wanted)) return { id: last.id, number: last.number, name: last.name };
  const number = nextNumber(begun);
  const unique = findFreeName(wanted, new Set(rows.map((row) => row.name)), 1);
  if (rows.some((row) => row.number === number)) await movePending(tx, buildid, { from: number, by: 1 });
  return insertStep(tx, { buildid, number, name: unique });
}

export const nextNumber = (rows: readonly Pick<StepRow, "number">[]): number =>
  rows.reduce((next, row) => Math.max(next, row.number + 1), 0);

/** Steps that have not started, from this number on, get higher numbers: others come before them. */
export async function movePending(
  tx: Connection,
  buildid: number,
  { from, by }: { readonly from: number; readonly by: number },
): Promise<void> {
  // No two steps may have one number even for a moment.
  await execute(
    tx,
    "update steps set number = -number - ? where buildid = ? and number >= ? and started_at is null and complete_at is null",
    [by, buildid, from],
  );
  await execute(tx, "update steps set number = -number where buildid = ? and number < 0", [buildid]);
}

/** The steps of a build; `pending`: it has not started, and may. */
export const stepsOfBuild = together(async (tx, buildids: readonly number[]) => {
  const wanted = tx.dialect.isOneOf("buildid", buildids);
  const rows = await queryRows<StepRow & { buildid: number; open: number; pending: number }>(
    tx,
    `select buildid, id, number, name, case when complete_at is null then 1 else 0 end as "open",
            case when started_at is null and complete_at is null then 1 else 0 end as pending
     from steps where ${wanted.sql}`,
    wanted.bindings,
  );
  return buildids.map((buildid) => rows.filter((row) => row.buildid === buildid));
});

export interface NewStepRow {
  buildid: number;
  number: number;
  name: string;
  /** How it has ended at once; it runs otherwise. */
  end?: Omit<StepEnd, "hidden"> | undefined;
}

/** Adds a step, started, under a number and a name that its build does not have yet. */
export const insertStep = together(async (tx, steps: readonly NewStepRow[]): Promise<StepRow[]> => {
  const { nowSeconds, rowsOf } = tx.dialect;
  const given = rowsOf(
    ["integer", "integer", "text", "integer", "text"],
    steps.map(({ buildid, number, name, end }) => [
      buildid,
      number,
      truncateText(name, 50),
      end?.results ?? null,
      truncateText(end?.state ?? "pending", longest.sentence),
    ]),
  );
  const rows = await queryRows<StepRow & { buildid: number }>(
    tx,
    `with v(buildid, number, name, results, state) as (${given.sql})
     insert into steps (number, name, buildid, results, state_string, urls_json, hidden, started_at, locks_acquired_at, complete_at)
     select number, name, buildid, results, state, '[]', 0, at, at, case when results is not null then at end
       from v cross join (select ${nowSeconds} as at) as clock
     returning id, number, name, buildid`,
    given.bindings,
  );
  return steps.map(({ buildid, number }) => {
    const { buildid: _, ...row } = rows.find(
      (one) => one.buildid === buildid && one.number === number,
    ) as (typeof rows)[0];
    return row;
  });
});

/** The steps of a build, in their order. */
export async function readSteps(tx: Connection, buildid: number): Promise<StepRow[]> {
  const rows = await stepsOfBuild(tx, buildid);
  return rows.map(({ id, number, name }) => ({ id, number, name })).sort((a, b) => a.number - b.number);
}

/** Each of these changes a step that has not ended; false when it has. */
export function setStepState(tx: Connection, stepid: number, state: string): Promise<boolean> {
  return setState(tx, { stepid, state });
}

const setState = updateRows<{ stepid: number; state: string }>({
  columns: { stepid: "integer", state: "text" },
  valuesOf: ({ stepid, state }) => [stepid, truncateText(state, longest.sentence)],
  update: () => "update steps set state_string = v.state from v where steps.id = v.stepid and complete_at is null",
});

/** Beyond this, a step's addresses are no longer for people. */
const mostUrls = 1000;

/** Adds an address that people can follow, if it is not there yet; one that is cut would lead nowhere. */
export async function addStepUrl(
  tx: Connection,
  stepid: number,
  given: { name: string; url: string },
): Promise<boolean> {
  const url = { name: truncateText(given.name, 255), url: truncateText(given.url, longest.url) };
  if (url.url !== given.url) return false;
  const [row] = await queryRows<{ urls_json: string }>(
    tx,
    `select urls_json from steps where id = ? and complete_at is null${tx.dialect.noKeyUpdateLock}`,
    [stepid],
  );
  if (!row) return false;
  const urls = JSON.parse(row.urls_json) as { name: string; url: string }[];
  if (urls.length >= mostUrls) return false;
  if (urls.some((known) => known.name === url.name && known.url === url.url)) return false;
  await execute(tx, "update steps set urls_json = ? where id = ?", [pythonJson([...urls, url]), stepid]);
  return true;
}

export interface StepEnd {
  results: Result;
  state: string;
  hidden: boolean;
}

/** Ends a step; false when it has ended before. */
export function finishStep(tx: Connection, stepid: number, end: StepEnd): Promise<boolean> {
  return finish(tx, { stepid, end });
}

const finish = updateRows<{ stepid: number; end: StepEnd }>({
  columns: { stepid: "integer", results: "integer", state: "text", hidden: "integer" },
  valuesOf: ({ stepid, end }) => [stepid, end.results, truncateText(end.state, longest.sentence), Number(end.hidden)],
  update: ({ nowSeconds }) =>
    `update steps set complete_at = ${nowSeconds}, results = v.results, state_string = v.state, hidden = v.hidden
     from v where steps.id = v.stepid and complete_at is null`,
});
