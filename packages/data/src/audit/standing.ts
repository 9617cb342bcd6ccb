import { buildbotExpirySeconds } from "@multimaster/cluster";
import { isLeaseLive, isLeaseOpen } from "@multimaster/database";
import type { Moment } from "./check.ts";

/** Where a lease says that its master has left or was evicted. */
const closedAt = "coalesce(l.buried_at, l.ended_at)";

/** A condition on `mm_leases`, by an alias: its master is live. */
export const isLive = (alias: string, { now }: Moment) => isLeaseLive(alias, now);

/** A condition: some master has lived, without a gap in its renewals, since before that time and a lease of its own. */
export const someMasterWatches = (at: Moment, since: number) =>
  `exists (select 1 from mm_leases v where ${isLive("v", at)} and v.steady_since + v.lease_s <= ${since})`;

/**
 * A table of all masters with what they are: `live`; `expired`, so that it is about to be evicted; or `gone`, so that
 * nothing may be left of it. A Buildbot master has no lease, or one that was closed before it took the name over.
 */
export function mastersByStanding({ now, before }: Moment): string {
  return `(select m.id, l.epoch, case
      when l.masterid is not null and ${isLeaseOpen("l")} then case when l.expires_at > ${now} then 'live' else 'expired' end
      when m.last_active <= coalesce(${closedAt}, 0) then 'gone'
      when m.active = 1 then case when m.last_active >= ${now - buildbotExpirySeconds} then 'live' else 'expired' end
      when m.last_active > ${before} then 'expired'
      else 'gone' end as standing
    from masters m left join mm_leases l on l.masterid = m.id)`;
}

/** A condition: this master id is one of a master that is gone. */
export const isGone = (masterid: string, at: Moment) =>
  `${masterid} in (select id from ${mastersByStanding(at)} x where x.standing = 'gone')`;

/** A condition: this build id is one of a build that waits for an engine to adopt it, and not for too long. */
export const waitsForEngine = (buildid: string, { before }: Moment) =>
  `exists (select 1 from mm_adoptable_builds w where w.buildid = ${buildid} and w.adopt_until > ${before})`;
