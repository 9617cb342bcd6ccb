import { fencedTransaction } from "@multimaster/cluster";
import {
  changeTriggerItems,
  holdRunningBuild,
  type NewTriggerItem,
  replaceTriggerItems,
  type TriggerItemChange,
} from "@multimaster/database";
import { readFailure } from "../reports/read-failure.ts";
import type { UpdateContext } from "./update-context.ts";

export type { NewTriggerItem, TriggerItemChange };

/** What a step builds item by item: pages and REST show it. Its step's events make pages read it again. */
export interface TriggerItemUpdates {
  /** Writes the items of a step of a build that runs here, in place of those of an earlier try (fenced). */
  begin(of: { readonly buildid: number; readonly stepid: number }, items: readonly NewTriggerItem[]): Promise<void>;
  /** Notes what has become of some (fenced). */
  change(stepid: number, changes: readonly TriggerItemChange[]): Promise<void>;
  /** What made a build fail, in one line. */
  readFailure(buildid: number): Promise<string | undefined>;
}

export function createTriggerItemUpdates({ database, lease, write }: UpdateContext): TriggerItemUpdates {
  return {
    begin: (of, items) =>
      fencedTransaction(database, lease, async (tx) => {
        if (!(await holdRunningBuild(tx, of.buildid, lease.masterid)))
          throw new Error(`build ${of.buildid} does not run on this master`);
        await replaceTriggerItems(tx, of, items);
      }),
    change: (stepid, changes) => write(`step ${stepid}`, (tx) => changeTriggerItems(tx, stepid, changes)),
    readFailure: (buildid) => readFailure(database, buildid),
  };
}
