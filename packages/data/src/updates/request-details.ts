import type { SourcedProperties } from "@multimaster/core";
import {
  type Connection,
  collapsedInto,
  getRequests,
  ofRequests,
  ownPropertiesOfRequests,
  propertiesOfRequests,
} from "@multimaster/database";
import type { ReadContext } from "../model/define-resource.ts";
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
  /** Changes of the source stamps, and of the requests that have collapsed into it, oldest first. */
  changes: readonly Change[];
}

/** Reads requests that are to be built, all in the same few queries at once; undefined for one that does not exist. */
export async function readRequestDetails(
  connection: Connection,
  ids: readonly number[],
): Promise<(RequestDetails | undefined)[]> {
  const context = { connection, params: {}, properties: undefined, filters: [] };
  const [rows, properties, stamps, ownChanges] = await Promise.all([
    getRequests(connection, ids),
    propertiesOfRequests(connection, ids),
    loadWhere(sourcestamps, context, ofRequests(connection, "ss.id", ids)),
    loadWhere(changes, context, ofRequests(connection, "ch.sourcestampid", ids)),
  ]);
  const survivors = rows.filter(({ survives }) => survives === 1).map(({ buildrequestid }) => buildrequestid);
  const { collapsed, own, theirChanges } = await readCollapsed(context, [...new Set(survivors)]);
  const changesById = new Map([...ownChanges, ...theirChanges]);
  const requests = new Map(rows.map((row) => [row.buildrequestid, row]));
  const stampsOf = groupValues(rows.map(({ buildrequestid, sourcestampid }) => [buildrequestid, sourcestampid]));
  const changesOf = groupValues([...changesById.values()].map((change) => [change.sourcestamp.ssid, change]));
  return ids.map((id) => {
    const request = requests.get(id);
    if (!request) return undefined;
    const ssids = (stampsOf.get(id) ?? []).filter((ssid) => ssid !== null);
    const ofOthers = collapsed.filter(({ into }) => into === id).map(({ ssid }) => ssid);
    return {
      buildrequestid: id,
      buildsetid: request.buildsetid,
      builderid: request.builderid,
      reason: request.reason ?? "",
      waitedFor: request.waitedFor === 1,
      properties: { ...properties.get(request.buildsetid), ...own.get(id) },
      sourceStamps: ssids.flatMap((ssid) => stamps.get(ssid) ?? []),
      changes: [...new Set([...ssids, ...ofOthers])]
        .flatMap((ssid) => changesOf.get(ssid) ?? [])
        .sort((a, b) => a.changeid - b.changeid),
    };
  });
}

/** What requests have of those that collapsed into them: few requests have anything. */
async function readCollapsed(context: ReadContext, survivors: readonly number[]) {
  if (survivors.length === 0) return { collapsed: [], own: new Map<number, SourcedProperties>(), theirChanges: [] };
  const { connection } = context;
  const [collapsed, own] = await Promise.all([
    collapsedInto(connection, survivors),
    ownPropertiesOfRequests(connection, survivors),
  ]);
  const ids = [...new Set(collapsed.map(({ buildrequestid }) => buildrequestid))];
  const theirChanges = await loadWhere(changes, context, ofRequests(connection, "ch.sourcestampid", ids));
  return { collapsed, own, theirChanges };
}
