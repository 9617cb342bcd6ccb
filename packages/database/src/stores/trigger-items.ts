import type { Result } from "@multimaster/core";
import type { Connection } from "../connection.ts";
import { execute, queryRows } from "../dialect.ts";
import { fitNullable, longest, truncateText } from "./column-text.ts";
import { insertRows } from "./insert-rows.ts";

/** An item that a step is about to build. */
export interface NewTriggerItem {
  readonly name: string;
  /** Names of items that must succeed first. */
  readonly after: readonly string[];
}

/** What has become of an item. */
export interface TriggerItemChange {
  /** Its place in the step's list, from 1. */
  readonly number: number;
  /** Set: ids of its build requests. */
  readonly requests?: readonly number[] | undefined;
  /** Set: it has ended. */
  readonly end?: { readonly results: Result; readonly note: string | null } | undefined;
}

/** Names that a row keeps of those that its item comes after. */
const mostNames = 20;

/** Writes the items of a step, in place of those of an earlier try. */
export async function replaceTriggerItems(
  tx: Connection,
  { buildid, stepid }: { readonly buildid: number; readonly stepid: number },
  items: readonly NewTriggerItem[],
): Promise<void> {
  await execute(tx, "delete from mm_trigger_items where stepid = ?", [stepid]);
  const rows = items.map(({ name, after }, i) => ({
    ...{ buildid, stepid, number: i + 1 },
    name: truncateText(name, 200),
    waits_for: JSON.stringify(after.slice(0, mostNames)),
  }));
  await insertRows(tx, "mm_trigger_items", rows);
}

/** Notes what has become of items of a step. */
export async function changeTriggerItems(
  tx: Connection,
  stepid: number,
  changes: readonly TriggerItemChange[],
): Promise<void> {
  const where = "where stepid = ? and number = ?";
  for (const { number, requests, end } of changes) {
    if (requests !== undefined)
      await execute(tx, `update mm_trigger_items set requests = ? ${where}`, [
        JSON.stringify(requests),
        stepid,
        number,
      ]);
    if (end === undefined) continue;
    const note = fitNullable(end.note, longest.sentence);
    await execute(tx, `update mm_trigger_items set results = ?, note = ? ${where}`, [
      end.results,
      note,
      stepid,
      number,
    ]);
  }
}

/** Ids of the build requests of items, by item. */
export async function requestsOfItems(
  connection: Connection,
  itemids: readonly number[],
): Promise<ReadonlyMap<number, readonly number[]>> {
  const wanted = connection.dialect.isOneOf("itemid", itemids);
  const rows = await queryRows<{ itemid: number; requests: string }>(
    connection,
    `select itemid, requests from mm_trigger_items where ${wanted.sql} and requests is not null`,
    wanted.bindings,
  );
  return new Map(rows.map(({ itemid, requests }) => [itemid, JSON.parse(requests) as number[]]));
}

/** Those of these items that have not ended and whose step goes on. */
export async function unendedAmong(
  connection: Connection,
  itemids: readonly number[],
): Promise<{ itemid: number; requests: number[] | null; before: string[] }[]> {
  const wanted = connection.dialect.isOneOf("i.itemid", itemids);
  const rows = await queryRows<{ itemid: number; stepid: number; waits_for: string; requests: string | null }>(
    connection,
    `select i.itemid, i.stepid, i.waits_for, i.requests from mm_trigger_items i
       join builds b on b.id = i.buildid join steps st on st.id = i.stepid
      where ${wanted.sql} and i.results is null and b.complete_at is null and st.complete_at is null`,
    wanted.bindings,
  );
  const named = rows.map((row) => ({ ...row, after: JSON.parse(row.waits_for) as string[] }));
  const waiting = named.filter(({ requests }) => requests === null);
  const open = await openItemsNamed(
    connection,
    [...new Set(waiting.map(({ stepid }) => stepid))],
    [...new Set(waiting.flatMap(({ after }) => after))],
  );
  return named.map(({ itemid, stepid, requests, after }) => ({
    itemid,
    requests: requests === null ? null : (JSON.parse(requests) as number[]),
    before: after.filter((name) => open.has(`${stepid} ${name}`)),
  }));
}

/** Items of these steps and names that have not ended, as "step name". */
async function openItemsNamed(
  connection: Connection,
  stepids: readonly number[],
  names: readonly string[],
): Promise<ReadonlySet<string>> {
  if (names.length === 0) return new Set();
  const [of, named] = [connection.dialect.isOneOf("stepid", stepids), connection.dialect.isOneOf("name", names)];
  const rows = await queryRows<{ stepid: number; name: string }>(
    connection,
    `select stepid, name from mm_trigger_items where ${of.sql} and ${named.sql} and results is null`,
    [...of.bindings, ...named.bindings],
  );
  return new Set(rows.map(({ stepid, name }) => `${stepid} ${name}`));
}

/** How many items of a build are in which state. */
export function countTriggerItems(
  connection: Connection,
  buildid: number,
): Promise<{ stepid: number; state: string; results: number | null; count: number }[]> {
  return queryRows(
    connection,
    `select i.stepid, ${itemState} as state, i.results, count(*) as count
       from mm_trigger_items i join builds b on b.id = i.buildid left join steps st on st.id = i.stepid
      where i.buildid = ? group by i.stepid, ${itemState}, i.results order by i.stepid, ${itemState}, i.results`,
    [buildid],
  );
}

/** SQL: the state of an item `i` of the step `st` of the build `b`. */
export const itemState = `case when i.results is not null then 'ended'
    when b.complete_at is not null or st.complete_at is not null then 'abandoned'
    when i.requests is null then 'waiting' else 'building' end`;
