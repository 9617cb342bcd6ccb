import { Results } from "@multimaster/core";
import {
  type OpenSibling,
  type OpenSource,
  openRequestsOfSource,
  openSiblingsOfFailed,
  type RequestOfChange,
  type RequestPage,
  requestsOfChanges,
  type SourceLine,
  sourcesOfBuildsets,
} from "@multimaster/database";
import type { NewSourceStamp } from "./add-buildset.ts";
import { cancelRequest } from "./buildrequests.ts";
import type { UpdateContext } from "./update-context.ts";

export type { OpenSource, RequestOfChange, RequestPage, SourceLine };

/** An open request in whose buildset another one has failed, with the buildset's source stamps. */
export type FailedSibling = OpenSibling & { readonly sourceStamps: readonly NewSourceStamp[] };

/** What the schedulers that cancel need: each cancellation is decided by the request's row, so that it happens once. */
export interface SupersedingUpdates {
  /** Open requests with changes of this source, all older than `below`, in these builders; without those that users asked for. */
  openRequestsOf(
    source: SourceLine,
    builders: readonly string[],
    page: RequestPage & { below: number },
  ): Promise<readonly OpenSource[]>;
  /** Which of these builders have a request for which of these changes, of which scheduler: pending, running or complete, but not cancelled. */
  requestsOfChanges(changeids: readonly number[], builders: readonly string[]): Promise<readonly RequestOfChange[]>;
  /** Open requests, of `cancels` if given, of buildsets in which a build of these builders has failed. */
  openSiblingsOfFailed(
    of: { readonly builders: readonly string[]; readonly cancels?: readonly string[] | undefined },
    page: RequestPage,
  ): Promise<readonly FailedSibling[]>;
  /** Cancels requests; with `pendingOnly` those that no master has claimed meanwhile. Resolves to those that this call cancelled. */
  cancelAll(
    requests: readonly { readonly buildrequestid: number; readonly reason: string }[],
    pendingOnly: boolean,
  ): Promise<readonly number[]>;
}

export function createSupersedingUpdates(context: UpdateContext): SupersedingUpdates {
  const { database } = context;
  return {
    openRequestsOf: (source, builders, page) => openRequestsOfSource(database, source, builders, page),
    requestsOfChanges: (changeids, builders) => requestsOfChanges(database, changeids, builders),
    async openSiblingsOfFailed(of, page) {
      const found = await openSiblingsOfFailed(database, of, { ...page, failure: Results.FAILURE });
      if (found.length === 0) return [];
      const sources = await sourcesOfBuildsets(database, [...new Set(found.map(({ buildsetid }) => buildsetid))]);
      return found.map((sibling) => ({
        ...sibling,
        sourceStamps: sources.filter(({ buildsetid }) => buildsetid === sibling.buildsetid),
      }));
    },
    async cancelAll(requests, pendingOnly) {
      const cancelled: number[] = [];
      for (const { buildrequestid, reason } of requests) {
        const answer = await cancelRequest(context, buildrequestid, reason, { pendingOnly });
        if (answer === "cancelled" || answer === "stopping") cancelled.push(buildrequestid);
      }
      return cancelled;
    },
  };
}
