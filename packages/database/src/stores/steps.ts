import { pythonJson, type Result } from "@multimaster/core";
import type { Connection } from "../connection.ts";
import { execute, queryRows } from "../dialect.ts";
import { longest, truncateText } from "./column-text.ts";
import { findFreeName, isNamedAfter } from "./free-name.ts";

/**
 * Adds a step, started, at the end of a build. The caller holds the build's row. A last step of that name which runs is what
 * an earlier call began whose answer was lost: it is given again, since the steps of a build run one after the other.
 */
export async function beginStep(
  tx: Connection,
  buildid: number,
  name: string,
): Promise<{ id: number; number: number; name: string }> {
  const rows = await queryRows<{ id: number; number: number; name: string; open: number }>(
    tx,
    `select id, number, name, case when complete_at is null then 1 else 0 end as "open"
     from steps where buildid = ?`,
    [buildid],
  );
  const wanted = truncateText(name, 50);
  const last = rows.toSorted((a, b) => b.number - a.number)[0];
  if (last?.open === 1 && isNamedAfter(last.name, wanted)) return { id: last.id, number: last.number, name: last.name };
  const number = rows.reduce((next, row) => Math.max(next, row.number + 1), 0);
  const unique = findFreeName(wanted, new Set(rows.map((row) => row.name)), 1);
  const now = tx.dialect.nowSeconds;
  const [row] = await queryRows<{ id: number }>(
    tx,
    `insert into steps (number, name, buildid, state_string, urls_json, hidden, started_at, locks_acquired_at)
     values (?, ?, ?, 'pending', '[]', 0, ${now}, ${now}) returning id`,
    [number, unique, buildid],
  );
  return { id: (row as { id: number }).id, number, name: unique };
}

/** Each of these changes a step that has not ended; false when it has. */
export async function setStepState(connection: Connection, stepid: number, state: string): Promise<boolean> {
  const sql = "update steps set state_string = ? where id = ? and complete_at is null";
  return (await execute(connection, sql, [truncateText(state, longest.sentence), stepid])) === 1;
}

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

export async function finishStep(
  tx: Connection,
  stepid: number,
  end: { results: Result; state: string; hidden: boolean },
): Promise<boolean> {
  const sql = `update steps set complete_at = ${tx.dialect.nowSeconds}, results = ?, state_string = ?, hidden = ?
    where id = ? and complete_at is null`;
  return (
    (await execute(tx, sql, [end.results, truncateText(end.state, longest.sentence), Number(end.hidden), stepid])) === 1
  );
}
