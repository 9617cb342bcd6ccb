import { commandsOfHold, isHoldCurrent, isHoldValid } from "@multimaster/database";
import type { Check } from "../check.ts";
import { isGone, someMasterWatches } from "../standing.ts";

/** Masters delete what no longer counts twice a minute, once it is a minute old. */
const sweepSeconds = 120;

/** Locks are held by as many as may, and no longer than they should be. Those of masters that are gone have checks of their own. */
export const lockChecks: readonly Check[] = [
  {
    id: "lock-held-too-often",
    one: "A lock is held by more than may have it at the same time",
    many: "{n} locks are held by more than may have them at the same time",
    means: "Builds, or steps, that must not run at the same time do.",
    advice: "See who has it (`master locks`), stop one of them, and report the fault with the logs of their engines.",
    // A limit that was lowered is no fault: that is written when it is next asked for.
    sql: () => `select lk.lockid as id from mm_locks lk
      join (select h.lockid, count(*) as holders, max(h.exclusive) as alone, max(h.taken_at) as newest,
              sum(case when h.exclusive = 1 then 0 else h.count end) as used
            from mm_lock_holds h where ${isHoldValid("h")} group by h.lockid) t on t.lockid = lk.lockid
      where (t.alone = 1 and t.holders > 1) or (t.used > lk.max and t.newest >= lk.asked_at)`,
  },
  {
    id: "lock-kept-too-long",
    one: "A lock stays held by a build that was lost for longer than it should",
    many: "{n} locks stay held by builds that were lost, for longer than they should",
    means: "Others wait for it. Any live master frees it when the lock's `keepAfterLoss` has passed.",
    advice: "Break it (`master lock break`), and see in the live masters' logs why they cannot.",
    sql: (at) => `select distinct h.lockid as id from mm_lock_holds h
      join builds kb on kb.buildrequestid = h.buildrequestid join mm_commands k on ${commandsOfHold("h")}
      where not ${isHoldCurrent("h")} and kb.complete_at + h.keep_ms / 1000.0 <= ${at.before - sweepSeconds}
        and ${someMasterWatches(at, at.before - sweepSeconds)}`,
  },
  {
    id: "lock-hold-left",
    one: "A hold of a lock is left although what had it has ended",
    many: "{n} holds of locks are left although what had them has ended",
    means: "It has no effect; live masters take such rows away twice a minute.",
    advice: "See in the live masters' logs why they cannot.",
    sql: (at) => `select h.holdid as id from mm_lock_holds h
      where not ${isHoldValid("h")} and not ${isGone("h.masterid", at)} and h.taken_at <= ${at.before - sweepSeconds}
        and not exists (select 1 from builds b where b.buildrequestid = h.buildrequestid and b.complete_at > ${at.before - sweepSeconds})
        and ${someMasterWatches(at, at.before - sweepSeconds)}`,
  },
];
