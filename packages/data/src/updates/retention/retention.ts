import { type Claim, claim } from "@multimaster/cluster";
import { findOrCreateJob, jobHolder, type Keeper, keepBuild, releaseBuild } from "@multimaster/database";
import { claimTables, releaseClaim } from "@multimaster/lifecycle";
import type { Trail } from "../../model/actor.ts";
import { builds } from "../../resources/builds.ts";
import type { UpdateContext } from "../update-context.ts";
import { type RetentionRun, type RunEnd, runRetention } from "./run-retention.ts";

/** What is kept, and the job that deletes the rest. */
export interface RetentionUpdates {
  /** The id of the job: one master at a time does it. */
  register(): Promise<number>;
  /** The master that has the job; null: none. */
  holder(jobid: number): Promise<number | null>;
  claim(jobid: number): Promise<Claim>;
  release(jobid: number): Promise<void>;
  /** Begins a run if it is due, or goes on with one; every transaction is fenced, and checks the claim. */
  run(run: RetentionRun): Promise<RunEnd>;
  /** Marks a build: retention deletes neither it nor its logs. False: there is no such build. */
  keep(buildid: number, keeper: Keeper, trail: Trail): Promise<boolean>;
  /** Takes the mark away. False: there is none. */
  releaseBuild(buildid: number, trail: Trail): Promise<boolean>;
}

export function createRetentionUpdates(context: UpdateContext): RetentionUpdates {
  const { database, lease, events, track, publishOutcomes } = context;
  const publish = async (buildid: number, isDone: boolean) => {
    if (isDone) await track(events.of(builds).update([buildid]));
    return isDone;
  };
  return {
    register: () => database.transaction((tx) => findOrCreateJob(tx, "retention")),
    holder: (jobid) => jobHolder(database, jobid),
    claim: (jobid) => claim(database, lease, claimTables.job, jobid),
    async release(jobid) {
      await publishOutcomes(await database.transaction((tx) => releaseClaim(tx, lease, "job", jobid)));
    },
    run: (run) => runRetention(context, run),
    async keep(buildid, keeper, trail) {
      const isKept = await database.transaction(async (tx) => {
        if (!(await keepBuild(tx, buildid, keeper))) return false;
        await trail(tx);
        return true;
      });
      return publish(buildid, isKept);
    },
    async releaseBuild(buildid, trail) {
      const isReleased = await database.transaction(async (tx) => {
        if (!(await releaseBuild(tx, buildid))) return false;
        await trail(tx);
        return true;
      });
      return publish(buildid, isReleased);
    },
  };
}
