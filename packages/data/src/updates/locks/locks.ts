import { claimedOf, fencedTransaction } from "@multimaster/cluster";
import {
  deleteHolds,
  deleteWaits,
  freeLostHolds,
  noteStepLocks,
  noteStepWaits,
  pruneLocks,
  releaseHolds,
  retryRolledBack,
} from "@multimaster/database";
import { claimRequests } from "@multimaster/lifecycle";
import type { LockOwner } from "@multimaster/placement";
import type { Trail } from "../../model/actor.ts";
import { buildrequests } from "../../resources/buildrequests.ts";
import { locks } from "../../resources/locks.ts";
import { steps } from "../../resources/steps.ts";
import type { UpdateContext } from "../update-context.ts";
import { type LockAnswer, type LockUse, takeLocks } from "./take-locks.ts";

/** A request with the locks that its build has from its beginning to its end. */
export interface RequestLocks {
  readonly buildrequestid: number;
  readonly uses: readonly LockUse[];
}

/** A running step with the locks that it wants. */
export interface StepLocks extends RequestLocks {
  readonly stepid: number;
  /** It has been asked for before. */
  readonly hasWaited: boolean;
}

/** What a claim that needs locks came to. */
export type RequestAnswer = LockAnswer | { readonly kind: "lost" };

export interface LockUpdates {
  /**
   * Claims requests together with their locks, in one fenced transaction. "lost": another master has the request; "waits": it
   * stays pending, and is a waiter of this master until it is withdrawn.
   */
  claim(wanted: readonly RequestLocks[]): Promise<RequestAnswer[]>;
  /** Takes the locks of running steps, of each all or none; of a step that waits the state says so (fenced). */
  takeForSteps(wanted: readonly StepLocks[]): Promise<LockAnswer[]>;
  /** What these holds were for has ended; those who wait for their locks wake. What may still run on a lost worker keeps its locks. */
  release(holdids: readonly number[]): Promise<void>;
  /** These do not wait here any more (fenced). */
  withdraw(owners: readonly LockOwner[]): Promise<void>;
  /** Frees the locks of builds that were lost for so long that they no longer count. */
  freeLost(): Promise<void>;
  /** Deletes what no longer counts, and locks that no one has asked for since a week. */
  prune(): Promise<void>;
  /** An operator takes a lock away from who has it; that goes on. */
  break(holdid: number, trail: Trail): Promise<"done" | "unknown">;
}

export function createLockUpdates({ database, lease, events, log, track }: UpdateContext): LockUpdates {
  const publishReleased = (lockids: readonly number[]) => track(events.of(locks).released(lockids));
  const publishUpdated = (lockids: readonly number[]) => track(events.of(locks).updated([...new Set(lockids)]));
  return {
    async claim(wanted) {
      const answers = await retryRolledBack(database, () =>
        fencedTransaction(database, lease, async (tx) => {
          const taken = await takeLocks(
            tx,
            lease,
            wanted.map((one) => ({ ...one, stepid: 0 })),
          );
          const going = wanted.filter((_, i) => taken[i]?.kind === "taken").map(({ buildrequestid }) => buildrequestid);
          const mine = new Set(claimedOf(await claimRequests(tx, lease, going)));
          const lost = taken.flatMap((answer, i) =>
            answer.kind === "taken" && !mine.has(wanted[i]?.buildrequestid ?? 0) ? answer.locks : [],
          );
          await deleteHolds(
            tx,
            lost.map(({ holdid }) => holdid),
          );
          return taken.map((answer, i): RequestAnswer => {
            if (answer.kind === "waits" || mine.has(wanted[i]?.buildrequestid ?? 0)) return answer;
            return { kind: "lost" };
          });
        }),
      );
      const claimed = wanted.filter((_, i) => answers[i]?.kind === "taken").map(({ buildrequestid }) => buildrequestid);
      await track(events.of(buildrequests).claimed(claimed));
      await publishUpdated(answers.flatMap(newWaits));
      return answers;
    },
    async takeForSteps(wanted) {
      const { answers, changed } = await retryRolledBack(database, () =>
        fencedTransaction(database, lease, async (tx) => {
          const taken = await takeLocks(tx, lease, wanted);
          const noted: number[] = [];
          for (const [i, { stepid, hasWaited }] of wanted.entries()) {
            const answer = taken[i];
            const waits = answer?.kind === "waits";
            if (!waits && !hasWaited) continue;
            if (await (waits ? noteStepWaits(tx, stepid, describeWait(answer.short)) : noteStepLocks(tx, stepid)))
              noted.push(stepid);
          }
          return { answers: taken, changed: noted };
        }),
      );
      await track(events.of(steps).updated(changed));
      await publishUpdated(
        answers.flatMap((answer) =>
          answer.kind === "taken" ? answer.locks.map(({ lockid }) => lockid) : newWaits(answer),
        ),
      );
      return answers;
    },
    async release(holdids) {
      // Without the lease: a hold of an earlier incarnation does not count any more anyway, and ids are never used twice.
      await publishReleased(await releaseHolds(database, holdids));
    },
    async withdraw(owners) {
      await publishReleased(await fencedTransaction(database, lease, (tx) => deleteWaits(tx, lease.masterid, owners)));
    },
    async freeLost() {
      const freed = await freeLostHolds(database);
      for (const { lock, buildid, worker } of freed)
        log.warn(
          { lock, buildid, worker },
          `lock ${lock} is free: worker ${worker} has not attached again since build ${buildid} was lost; its command may still run`,
        );
      if (freed.length > 0) await publishReleased([...new Set(freed.map(({ lockid }) => lockid))]);
    },
    prune: () => database.transaction((tx) => pruneLocks(tx)),
    async break(holdid, trail) {
      const lockids = await database.transaction(async (tx) => {
        const broken = await deleteHolds(tx, [holdid]);
        if (broken.length > 0) await trail(tx);
        return broken;
      });
      await publishReleased(lockids);
      return lockids.length > 0 ? "done" : "unknown";
    },
  };
}

/** The locks for which it has begun to wait. */
const newWaits = (answer: RequestAnswer): readonly number[] =>
  answer.kind === "waits" && answer.isNew ? answer.lockids : [];

/** "waiting for lock db". */
function describeWait(short: readonly LockUse[]): string {
  const names = [...new Set(short.map(({ name }) => name))];
  return `waiting for ${names.length > 1 ? "locks" : "lock"} ${names.join(", ")}`;
}
