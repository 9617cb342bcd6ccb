import {
  deleteAnsweredCancellations,
  deleteAnsweredStopRequests,
  openBuildsetsWithoutOpenRequests,
} from "@multimaster/database";
import { completeBuildsets } from "@multimaster/lifecycle";
import type { Trail } from "../model/actor.ts";
import { type AddedBuildset, addBuildset, announceBuildset, type NewBuildset } from "./add-buildset.ts";
import type { UpdateContext } from "./update-context.ts";

export interface BuildsetUpdates {
  add(buildset: NewBuildset, trail?: Trail): Promise<AddedBuildset>;
  /** Completes buildsets whose last request was completed by somebody who died before completing them. */
  completeFinished(): Promise<void>;
}

export function createBuildsetUpdates(context: UpdateContext): BuildsetUpdates {
  const { database, announceOutcomes } = context;
  return {
    async add(buildset, trail) {
      const added = await database.transaction(async (tx) => {
        await trail?.(tx);
        return addBuildset(tx, buildset);
      });
      await announceBuildset(context, added, buildset.scheduler);
      return added;
    },
    async completeFinished() {
      for (const bsid of await openBuildsetsWithoutOpenRequests(database)) {
        const outcomes = await database.transaction((tx) => completeBuildsets(tx, [bsid]));
        await announceOutcomes(outcomes);
      }
      await deleteAnsweredCancellations(database);
      await deleteAnsweredStopRequests(database);
    },
  };
}
