import { type Json, pythonJson } from "@multimaster/core";
import type { Connection } from "../connection.ts";
import { execute, queryRows } from "../dialect.ts";
import { longest, truncateText } from "./column-text.ts";

/** What a build asks a scheduler for. */
export interface AskedTrigger {
  schedulerid: number;
  buildid: number;
  buildrequestid: number;
  slot: string;
  fingerprint: string;
  waitedFor: boolean;
  relationship: string;
  /** Ids of source stamps. */
  sourceStamps: readonly number[];
  properties: Readonly<Record<string, Json>>;
}

/** What became of it; null: nothing yet. */
export type AskedOutcome = "built" | "superseded" | "gone" | "refused" | null;

export interface AskedTriggerRow extends AskedTrigger {
  id: number;
  /** Seconds since 1970. */
  askedAt: number;
  outcome: AskedOutcome;
  buildsetid: number | null;
  refusal: string | null;
}

/**
 * Asks, or finds what an earlier attempt at the request has asked. The caller holds the request's row. One that was refused, or
 * went with its build, is asked again.
 */
export async function askTrigger(tx: Connection, asked: AskedTrigger): Promise<number> {
  const { buildrequestid, slot, fingerprint, buildid } = asked;
  await withdrawOthers(tx, asked);
  const [known] = await queryRows<{ id: number }>(
    tx,
    "select id from mm_asked_triggers where buildrequestid = ? and slot = ? and fingerprint = ?",
    [buildrequestid, slot, fingerprint],
  );
  if (known) {
    await execute(
      tx,
      `update mm_asked_triggers set buildid = ?, outcome = null, refusal = null
        where id = ? and (outcome is null or outcome in ('gone', 'refused'))`,
      [buildid, known.id],
    );
    return known.id;
  }
  const { sourceStamps, properties } = asked;
  const [row] = await queryRows<{ id: number }>(
    tx,
    `insert into mm_asked_triggers
      (schedulerid, buildid, buildrequestid, slot, fingerprint, waited_for, relationship, asked, asked_at)
      values (?, ?, ?, ?, ?, ?, ?, ?, ${tx.dialect.now}) returning id`,
    [
      asked.schedulerid,
      buildid,
      buildrequestid,
      slot,
      fingerprint,
      Number(asked.waitedFor),
      asked.relationship,
      pythonJson({ sourceStamps: [...sourceStamps], properties }),
    ],
  );
  return (row as { id: number }).id;
}

/** What an earlier attempt asked for in the same slot, if it was something else. */
async function withdrawOthers(tx: Connection, { buildrequestid, slot, fingerprint }: AskedTrigger): Promise<void> {
  await execute(
    tx,
    `update mm_asked_triggers set outcome = 'gone'
      where buildrequestid = ? and slot = ? and fingerprint <> ? and outcome is null`,
    [buildrequestid, slot, fingerprint],
  );
}

const columns = `t.id, t.schedulerid, t.buildid, t.buildrequestid, t.slot, t.fingerprint, t.waited_for, t.relationship,
  t.asked, t.asked_at, t.outcome, t.buildsetid, t.refusal`;

interface StoredRow {
  id: number;
  schedulerid: number;
  buildid: number;
  buildrequestid: number;
  slot: string;
  fingerprint: string;
  waited_for: number;
  relationship: string;
  asked: string;
  asked_at: number;
  outcome: AskedOutcome;
  buildsetid: number | null;
  refusal: string | null;
}

function toRow({ waited_for: waitedFor, asked_at: askedAt, asked, ...row }: StoredRow): AskedTriggerRow {
  const what = JSON.parse(asked) as Pick<AskedTrigger, "sourceStamps" | "properties">;
  return { ...row, ...what, waitedFor: waitedFor === 1, askedAt };
}

/** The newest triggers of which a scheduler has decided nothing, oldest first. */
export async function openTriggers(
  connection: Connection,
  schedulerid: number,
  limit: number,
): Promise<AskedTriggerRow[]> {
  const rows = await queryRows<StoredRow>(
    connection,
    `select ${columns} from mm_asked_triggers t where t.id in (
       select id from mm_asked_triggers where schedulerid = ? and outcome is null order by id desc limit ?) order by t.id`,
    [schedulerid, limit],
  );
  return rows.map(toRow);
}

/** The newest one that each scheduler of these kept, by the scheduler. */
export async function newestTriggers(connection: Connection): Promise<AskedTriggerRow[]> {
  const rows = await queryRows<StoredRow>(
    connection,
    `select ${columns} from mm_asked_triggers t
      where t.id in (select max(id) from mm_asked_triggers where outcome is null group by schedulerid)`,
  );
  return rows.map(toRow);
}

export async function askedTriggersById(connection: Connection, ids: readonly number[]): Promise<AskedTriggerRow[]> {
  const wanted = connection.dialect.isOneOf("t.id", ids);
  return (
    await queryRows<StoredRow>(
      connection,
      `select ${columns} from mm_asked_triggers t where ${wanted.sql}`,
      wanted.bindings,
    )
  ).map(toRow);
}

/** Locks an undecided trigger until the transaction ends. */
export async function holdAskedTrigger(
  tx: Connection,
  schedulerid: number,
  id: number,
): Promise<AskedTriggerRow | undefined> {
  const [row] = await queryRows<StoredRow>(
    tx,
    `select ${columns} from mm_asked_triggers t
      where t.id = ? and t.schedulerid = ? and t.outcome is null${tx.dialect.updateLock}`,
    [id, schedulerid],
  );
  return row && toRow(row);
}

export async function settleTrigger(
  tx: Connection,
  id: number,
  outcome: Exclude<AskedOutcome, null>,
  { buildsetid = null, refusal = null }: { buildsetid?: number | null; refusal?: string | null } = {},
): Promise<void> {
  await execute(tx, "update mm_asked_triggers set outcome = ?, buildsetid = ?, refusal = ? where id = ?", [
    outcome,
    buildsetid,
    refusal === null ? null : truncateText(refusal, longest.sentence),
    id,
  ]);
}

/** Only the newest counts; those that come while it is built stay. */
export async function supersedeTriggers(tx: Connection, schedulerid: number, before: number): Promise<void> {
  await execute(
    tx,
    "update mm_asked_triggers set outcome = 'superseded' where schedulerid = ? and id < ? and outcome is null",
    [schedulerid, before],
  );
}

/** Deletes what is decided and no attempt will ask for again. */
export async function forgetAskedTriggers(connection: Connection): Promise<void> {
  await execute(
    connection,
    `delete from mm_asked_triggers where outcome is not null
        and not exists (select 1 from buildrequests r where r.id = buildrequestid and r.complete = 0)`,
  );
}
