import type { SourcedProperties } from "@multimaster/core";
import {
  type Connection,
  changesOfSourceStamps,
  getRequests,
  propertiesOfBuildsets,
  sourceStampsOfBuildsets,
} from "@multimaster/database";
import { groupValues } from "../read/group-values.ts";
import { loadItems } from "../read/read-items.ts";
import { type Change, changes } from "../resources/changes.ts";
import { loadSourceStamps, type SourceStamp } from "../resources/sourcestamps.ts";

/** What a build needs to know of its request. */
export interface RequestDetails {
  buildrequestid: number;
  buildsetid: number;
  builderid: number;
  reason: string;
  waitedFor: boolean;
  properties: SourcedProperties;
  sourceStamps: readonly SourceStamp[];
  /** Changes of the source stamps, oldest first. */
  changes: readonly Change[];
}

/** Reads requests that are to be built, all in the same few queries; undefined for one that does not exist. */
export async function readRequestDetails(
  connection: Connection,
  ids: readonly number[],
): Promise<(RequestDetails | undefined)[]> {
  const context = { connection, params: {}, properties: undefined, filters: [] };
  const requests = new Map((await getRequests(connection, ids)).map((row) => [row.buildrequestid, row]));
  const buildsets = [...new Set([...requests.values()].map(({ buildsetid }) => buildsetid))];
  const [stampRows, properties] = await Promise.all([
    sourceStampsOfBuildsets(connection, buildsets),
    propertiesOfBuildsets(connection, buildsets),
  ]);
  const stampIds = [...new Set(stampRows.map(({ sourcestampid }) => sourcestampid))];
  const [stamps, changeRows] = await Promise.all([
    loadSourceStamps(context, stampIds),
    changesOfSourceStamps(connection, stampIds),
  ]);
  const changeIds = changeRows.map(({ changeid }) => changeid);
  const found = changeIds.length === 0 ? new Map<number, Change>() : await loadItems(changes, context, changeIds);
  const stampsOf = groupValues(stampRows.map(({ buildsetid, sourcestampid }) => [buildsetid, sourcestampid]));
  return ids.map((id) => {
    const request = requests.get(id);
    if (!request) return undefined;
    const own = stampsOf.get(request.buildsetid) ?? [];
    return {
      buildrequestid: id,
      buildsetid: request.buildsetid,
      builderid: request.builderid,
      reason: request.reason ?? "",
      waitedFor: request.waitedFor === 1,
      properties: properties.get(request.buildsetid) ?? {},
      sourceStamps: own.flatMap((stampId) => stamps.get(stampId) ?? []),
      changes: changeRows
        .filter(({ sourcestampid }) => own.includes(sourcestampid))
        .flatMap(({ changeid }) => found.get(changeid) ?? []),
    };
  });
}
