import {
  findReportedBuilds,
  getBuildState,
  getRebuildSource,
  isBeingRebuilt,
  isReportedBuild,
} from "@multimaster/database";
import { type AddedBuildset, addBuildset, publishBuildset } from "./add-buildset.ts";
import type { UpdateContext } from "./update-context.ts";

/** What a user asks for at a forge. */
export interface Rerun {
  /** The type of the reporter that shows builds there. */
  readonly reporter: string;
  /** As the reporter named it when it offered to run its builds again. */
  readonly target: string;
  /** Undefined: the newest build of each builder that was shown there. */
  readonly buildid?: number | undefined;
  readonly reason: string;
}

/** What became of it: how many builds run again, and how many do already, or still. */
export interface RerunResult {
  readonly added: number;
  readonly running: number;
}

/**
 * Runs builds again that a reporter has shown at a forge, and no others. While one runs, or runs again, asking for it once more
 * changes nothing: a user who is impatient, or a request that is sent twice, starts it once.
 */
export async function rerunBuilds(context: UpdateContext, rerun: Rerun): Promise<RerunResult> {
  const { reporter, target, buildid, reason } = rerun;
  const added: AddedBuildset[] = [];
  let running = 0;
  await context.database.transaction(async (tx) => {
    added.length = 0;
    running = 0;
    await tx.dialect.lockName(tx, "rerun");
    const wanted =
      buildid === undefined
        ? await findReportedBuilds(tx, reporter, target)
        : (await isReportedBuild(tx, reporter, { buildid, target }))
          ? [buildid]
          : [];
    for (const id of wanted) {
      const source = await getRebuildSource(tx, id);
      const state = await getBuildState(tx, id);
      if (!source || !state) continue;
      const first = source.rebuiltBuildid ?? id;
      if (!state.complete || (await isBeingRebuilt(tx, first))) {
        running += 1;
        continue;
      }
      const { sourcestampids, builderid, properties, externalId, priority, parentBuildid, parentRelationship } = source;
      const one = await addBuildset(tx, {
        reason,
        scheduler: "rebuild",
        sourceStamps: sourcestampids,
        builders: [builderid],
        properties,
        externalId,
        priority,
        parentBuildid,
        parentRelationship,
        rebuiltBuildid: first,
      });
      added.push(one);
    }
  });
  for (const one of added) await publishBuildset(context, one, "rebuild");
  return { added: added.length, running };
}
