import {
  deleteAnsweredCancellations,
  deleteAnsweredStopRequests,
  openBuildsetsWithoutOpenRequests,
} from "@multimaster/database";
import { completeBuildsets } from "@multimaster/lifecycle";
import type { Trail } from "../model/actor.ts";
import { type AddedBuildset, addBuildset, type NewBuildset, publishBuildset } from "./add-buildset.ts";
import type { UpdateContext } from "./update-context.ts";

export interface BuildsetUpdates {
  add(buildset: NewBuildset, trail?: Trail): Promise<AddedBuildset>;
  /** Completes buildsets whose last request was completed by a master that died before completing them. */
  completeFinished(): Promise<void>;
}

export function createBuildsetUpdates(context: UpdateContext): BuildsetUpdates {
  const { database, publishOutcomes } = context;
  return {
    async add(buildset, trail) {
      const added = await database.transaction(async (tx) => {
        await trail?.(tx);
        return addBuildset(tx, buildset);
      });
      await publishBuildset(context, added, buildset.scheduler);
      return added;
    },
    async completeFinished() {
      for (const bsid of await openBuildsetsWithoutOpenRequests(database)) {
        const outcomes = await database.transaction((tx) => completeBuildsets(tx, [bsid]));
        await publishOutcomes(outcomes);
      }
      await deleteAnsweredCancellations(database);
      await deleteAnsweredStopRequests(database);
    },
  };
}
