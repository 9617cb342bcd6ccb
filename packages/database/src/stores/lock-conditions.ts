import { isLeaseOpen, isRequestClaimable } from "../conditions.ts";

/** When a row of `mm_lock_holds` or `mm_lock_waits` counts: conditions on it, by an alias. */

const ofOpenLease = (alias: string) =>
  `exists (select 1 from mm_leases l where l.masterid = ${alias}.masterid and l.epoch = ${alias}.epoch and ${isLeaseOpen("l")})`;
const isClaimedByIt = (alias: string) =>
  `exists (select 1 from buildrequests br join buildrequest_claims c on c.brid = br.id
     where br.id = ${alias}.buildrequestid and br.complete = 0 and c.masterid = ${alias}.masterid)`;
const hasOpenStep = (alias: string) =>
  `exists (select 1 from steps s where s.id = ${alias}.stepid and s.complete_at is null)`;
/** The hold is of a build whose master was lost, and which another one may adopt. */
export const isAdoptable = (alias: string): string =>
  `exists (select 1 from mm_adoptable_builds ab where ab.buildrequestid = ${alias}.buildrequestid and ab.masterid = ${alias}.masterid)`;

/** The hold is of a build or step that runs: what it is for exists, and its master may write, or another one may adopt the build. */
export const isHoldCurrent = (alias: string): string =>
  `(${alias}.lost_buildid is null and (
     (${ofOpenLease(alias)} and ${isClaimedByIt(alias)} and (${alias}.stepid = 0 or ${hasOpenStep(alias)}))
     or ${isAdoptable(alias)}))`;

/** Joins builds `kb` and their commands `k`, and says which of them are a hold's. */
export const commandsOfHold = (alias: string): string =>
  `kb.id = k.buildid and k.workerid = kb.workerid and kb.buildrequestid = ${alias}.buildrequestid
     and (kb.id = ${alias}.lost_buildid or (${alias}.lost_buildid is null and k.masterid = ${alias}.masterid
       and k.epoch = ${alias}.epoch and (${alias}.stepid = 0 or k.stepid = ${alias}.stepid)))`;

/** No engine has heard that the commands of its build or step have ended. */
export const mayStillRun = (alias: string): string =>
  `exists (select 1 from builds kb join mm_commands k on ${commandsOfHold(alias)})`;

/** The hold counts. */
export const isHoldValid = (alias: string): string => `(${isHoldCurrent(alias)} or ${mayStillRun(alias)})`;

/** The build that has it: the one that runs, or was lost. Null while a claimed request has no build yet. */
export const buildOfHold = (alias: string): string =>
  `(select max(hb.id) from builds hb where hb.buildrequestid = ${alias}.buildrequestid and hb.masterid = ${alias}.masterid
     and (hb.id = ${alias}.lost_buildid
       or (${alias}.lost_buildid is null and (hb.complete_at is null or not ${isHoldCurrent(alias)}))))`;

/**
 * Until when a hold of `buildOfHold`, joined as `build`, stays if no one hears of the worker: its build may first wait for a master
 * that adopts it. Null: nothing was lost.
 */
export const keptUntil = (alias: string, build: string): string =>
  `case when ${build}.complete_at is not null then ${build}.complete_at
     else (select ad.adopt_until from mm_adoptable_builds ad where ad.buildid = ${build}.id) end + ${alias}.keep_ms / 1000.0`;

/** On a row of `mm_lock_holds`, without an alias: an eviction of its master deletes it. */
export const endsWithItsMaster = `buildrequestid not in (select ab.buildrequestid from mm_adoptable_builds ab)
  and (buildrequestid, masterid, epoch) not in (select kb.buildrequestid, k.masterid, k.epoch
    from mm_commands k join builds kb on kb.id = k.buildid and k.workerid = kb.workerid)`;

/** The wait counts. A request that waits is free; the request of a step that waits is its master's. */
export const isWaitValid = (alias: string): string =>
  `(${ofOpenLease(alias)} and case when ${alias}.stepid = 0
      then exists (select 1 from buildrequests fr where fr.id = ${alias}.buildrequestid and ${isRequestClaimable("fr")})
      else ${isClaimedByIt(alias)} and ${hasOpenStep(alias)} end)`;
