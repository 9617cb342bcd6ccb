import { append, epochSeconds } from "@multimaster/core";
import { type ChangeRow, type Connection, claimDelivery, insertChange, recordDelivery } from "@multimaster/database";
import type { Trail } from "../model/actor.ts";
import { changes } from "../resources/changes.ts";
import { boundChange, rowsOf } from "./bound-change.ts";
import type { NewChange } from "./new-change.ts";
import type { UpdateContext } from "./update-context.ts";

export interface ChangeUpdates {
  /** Adds a change; with the same `delivery` id a second call adds nothing and answers with the first change. */
  add(
    change: NewChange,
    options?: { delivery?: string | undefined; trail?: Trail },
  ): Promise<{ changeid: number; added: boolean }>;
  /**
   * Adds all changes of one delivery, oldest first, in transactions of a hundred at most. The n-th change is known as
   * `delivery/n`, so that a delivery that comes again adds only what is not there yet: nothing, or the rest if a master
   * died in between. Resolves to the new change ids, once all changes are stored.
   */
  addDelivered(delivery: string | undefined, changes: readonly NewChange[]): Promise<number[]>;
}

export function createChangeUpdates({ database, events, clock, track }: UpdateContext): ChangeUpdates {
  return {
    async add(change, { delivery, trail } = {}) {
      const row = changeRow(change, epochSeconds(clock));
      const result = await database.transaction(async (tx) => {
        const known = delivery === undefined ? undefined : await claimDelivery(tx, delivery);
        if (known !== undefined) return { changeid: known, added: false };
        await trail?.(tx);
        const changeid = await insertChange(tx, row);
        if (delivery !== undefined) await recordDelivery(tx, delivery, changeid);
        return { changeid, added: true };
      });
      if (result.added) await track(events.of(changes).new([result.changeid]));
      return result;
    },
    async addDelivered(delivery, all) {
      const now = epochSeconds(clock);
      const added: number[] = [];
      let start = 0;
      for (const piece of takePieces(all)) {
        const from = start;
        start += piece.length;
        const ids = await database.transaction((tx) => addPiece(tx, { delivery, from, now }, piece));
        await track(events.of(changes).new(ids));
        append(added, ids);
        // SQLite answers synchronously: without this, nothing else would run until the last piece is stored.
        await new Promise((resolve) => setImmediate(resolve));
      }
      return added;
    },
  };
}

/** Most changes, and most rows, of one transaction: the same delivery is always split in the same way. */
const maxPiece = { changes: 100, rows: 20_000 };

function* takePieces(changes: readonly NewChange[]): Iterable<NewChange[]> {
  let piece: NewChange[] = [];
  let rows = 0;
  for (const change of changes) {
    const more = rowsOf(change);
    if (piece.length > 0 && (piece.length >= maxPiece.changes || rows + more > maxPiece.rows)) {
      yield piece;
      piece = [];
      rows = 0;
    }
    piece.push(change);
    rows += more;
  }
  if (piece.length > 0) yield piece;
}

/** Adds the changes of a piece that are not there yet: those of a delivery that came before are at its beginning. */
async function addPiece(
  tx: Connection,
  { delivery, from, now }: { delivery: string | undefined; from: number; now: number },
  piece: readonly NewChange[],
): Promise<number[]> {
  const nameOf = (i: number) => `${delivery}/${from + i + 1}`;
  let known = 0;
  if (delivery !== undefined)
    while (known < piece.length && (await claimDelivery(tx, nameOf(known))) !== undefined) known += 1;
  const added: number[] = [];
  for (const [i, change] of piece.entries()) {
    if (i < known) continue;
    const changeid = await insertChange(tx, changeRow(change, now));
    if (delivery !== undefined) await recordDelivery(tx, nameOf(i), changeid);
    added.push(changeid);
  }
  return added;
}

/** Makes the row of every change: within its limits, and with Buildbot's defaults. */
export function changeRow(given: NewChange, now: number): ChangeRow {
  const change = boundChange(given);
  return {
    author: change.author,
    committer: change.committer ?? null,
    comments: change.comments,
    files: change.files ?? [],
    revision: change.revision ?? null,
    branch: change.branch ?? null,
    whenTimestamp: change.whenTimestamp ?? now,
    category: change.category ?? null,
    revlink: change.revlink ?? "",
    repository: change.repository ?? "",
    project: change.project ?? "",
    codebase: change.codebase ?? "",
    properties: change.properties ?? {},
  };
}
