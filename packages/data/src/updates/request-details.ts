import type { SourcedProperties } from "@multimaster/core";
import { type Connection, getRequests, ofRequests, propertiesOfRequests } from "@multimaster/database";
import { groupValues } from "../read/group-values.ts";
import { loadWhere } from "../read/read-items.ts";
import { type Change, changes } from "../resources/changes.ts";
import { type SourceStamp, sourcestamps } from "../resources/sourcestamps.ts";

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

/** Reads requests that are to be built, all in the same few queries at once; undefined for one that does not exist. */
export async function readRequestDetails(
  connection: Connection,
  ids: readonly number[],
): Promise<(RequestDetails | undefined)[]> {
  const context = { connection, params: {}, properties: undefined, filters: [] };
  const [rows, properties, stamps, changesById] = await Promise.all([
    getRequests(connection, ids),
    propertiesOfRequests(connection, ids),
    loadWhere(sourcestamps, context, ofRequests(connection, "ss.id", ids)),
    loadWhere(changes, context, ofRequests(connection, "ch.sourcestampid", ids)),
  ]);
  const requests = new Map(rows.map((row) => [row.buildrequestid, row]));
  const stampsOf = groupValues(rows.map(({ buildrequestid, sourcestampid }) => [buildrequestid, sourcestampid]));
  const changesOf = groupValues([...changesById.values()].map((change) => [change.sourcestamp.ssid, change]));
  return ids.map((id) => {
    const request = requests.get(id);
    if (!request) return undefined;
    const own = (stampsOf.get(id) ?? []).filter((ssid) => ssid !== null);
    return {
      buildrequestid: id,
      buildsetid: request.buildsetid,
      builderid: request.builderid,
      reason: request.reason ?? "",
      waitedFor: request.waitedFor === 1,
      properties: properties.get(request.buildsetid) ?? {},
      sourceStamps: own.flatMap((ssid) => stamps.get(ssid) ?? []),
      changes: own.flatMap((ssid) => changesOf.get(ssid) ?? []).sort((a, b) => a.changeid - b.changeid),
    };
  });
}
