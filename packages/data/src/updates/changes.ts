import { epochSeconds } from "@multimaster/core";
import { type ChangeRow, claimDelivery, insertChange, recordDelivery } from "@multimaster/database";
import type { ChangeUpdates, NewChange } from "../contract.ts";
import { changes } from "../resources/changes.ts";
import type { UpdateContext } from "./update-context.ts";

export function createChangeUpdates({ database, events, clock, announce }: UpdateContext): ChangeUpdates {
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
      if (result.added) await announce(events.publish(changes, "new", [result.changeid]));
      return result;
    },
    async addDelivered(delivered) {
      const now = epochSeconds(clock);
      const [first] = delivered;
      const ids = await database.transaction(async (tx) => {
        if (first?.delivery !== undefined && (await claimDelivery(tx, first.delivery)) !== undefined) return [];
        const added: number[] = [];
        for (const { change, delivery } of delivered) {
          const changeid = await insertChange(tx, changeRow(change, now));
          if (delivery !== undefined) await recordDelivery(tx, delivery, changeid);
          added.push(changeid);
        }
        return added;
      });
      await announce(events.publish(changes, "new", ids));
      return ids;
    },
  };
}

/** What Buildbot stores where nothing was said. */
export function changeRow(change: NewChange, now: number): ChangeRow {
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
