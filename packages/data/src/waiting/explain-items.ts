import { queryRows, requestsOfItems, unendedAmong } from "@multimaster/database";
import type { ReadContext } from "../model/define-resource.ts";
import { groupValues } from "../read/group-values.ts";
import { explainRequests } from "./explain-waiting.ts";
import { listNames } from "./reasons.ts";

/** A build of an item. */
export interface ItemBuild {
  readonly buildid: number;
  readonly builderid: number;
  readonly builder: string;
  readonly number: number;
  readonly results: number | null;
}

/** The last build of each request of items. */
export async function loadItemBuilds(
  { connection }: ReadContext,
  itemids: readonly number[],
): Promise<ReadonlyMap<number, ItemBuild[]>> {
  const requests = await requestsOfItems(connection, itemids);
  const wanted = connection.dialect.isOneOf("b.buildrequestid", [...new Set([...requests.values()].flat())]);
  const rows = await queryRows<ItemBuild & { requestid: number }>(
    connection,
    `select b.buildrequestid as requestid, b.id as buildid, b.builderid, bu.name as builder, b.number, b.results
       from builds b join builders bu on bu.id = b.builderid where ${wanted.sql} order by b.id`,
    wanted.bindings,
  );
  const last = new Map(rows.map(({ requestid, ...build }) => [requestid, build]));
  return new Map([...requests].map(([itemid, ids]) => [itemid, ids.flatMap((id) => last.get(id) ?? [])]));
}

/** Why items have not ended: what their requests wait for, or the items that they come after, or their turn. */
export async function loadItemReasons(
  { connection }: ReadContext,
  itemids: readonly number[],
): Promise<ReadonlyMap<number, string[]>> {
  const open = await unendedAmong(connection, itemids);
  const waiting = open.filter(({ requests }) => requests === null);
  const asked = open.flatMap(({ itemid, requests }) => (requests ?? []).map((id) => [itemid, id] as const));
  const why = await explainRequests(connection, [...new Set(asked.map(([, id]) => id))]);
  const sentences = groupValues(
    asked.flatMap(([itemid, id]) => (why.get(id) ?? []).map(({ sentence }) => [itemid, sentence] as const)),
  );
  for (const { itemid, before } of waiting)
    sentences.set(itemid, [
      before.length === 0
        ? "It waits for its turn: as many items as maxInFlight allows are being built."
        : `It comes after ${listNames(before)}.`,
    ]);
  return sentences;
}
