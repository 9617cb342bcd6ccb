import { publishedSchedulers } from "@multimaster/database";
import type { Check } from "../check.ts";
import { isLive } from "../standing.ts";

/** No transaction that adds changes is open for so long: ids below one that was seen that long ago are there. */
const settledSeconds = 300;

/** An accepted change is seen by every scheduler that reads changes. */
export const changeChecks: readonly Check[] = [
  {
    id: "change-unseen",
    one: "A change has not been read by a scheduler that reads changes and runs",
    many: "{n} changes have not been read by a scheduler that reads changes and runs",
    means: "It may never be built. (What comes while no master runs the scheduler waits, and is no finding.)",
    advice: "See which schedulers are behind in mm_scheduler_seen, and what the log of their master says of them.",
    // A change has no time of arrival, and the one it carries may be years old. It had arrived by the time when a scheduler
    // saw it, or one well after it, or when its source stamp was made, if for it.
    sql: (at) => `select distinct c.changeid as id from mm_scheduler_cursors k
        join scheduler_masters h on h.schedulerid = k.schedulerid
        join mm_leases l on l.masterid = h.masterid and ${isLive("l", at)} and l.joined_at <= ${at.before}
        join changes c on c.changeid > k.floor and c.changeid > (select min(floor) from mm_scheduler_cursors)
        join sourcestamps t on t.id = c.sourcestampid
      where not exists (select 1 from ${publishedSchedulers} p where p.schedulerid = k.schedulerid and p.form is not null)
        and not exists (select 1 from mm_scheduler_seen s where s.schedulerid = k.schedulerid and s.changeid = c.changeid)
        and (exists (select 1 from mm_scheduler_seen s where s.changeid = c.changeid and s.seen_at <= ${at.before})
          or c.changeid < (select max(changeid) from mm_scheduler_seen where seen_at <= ${at.before - settledSeconds})
          or (t.created_at <= ${at.before}
            and not exists (select 1 from changes e where e.sourcestampid = t.id and e.changeid < c.changeid)
            and not exists (select 1 from buildset_sourcestamps u where u.sourcestampid = t.id)))`,
  },
  {
    id: "delivery-without-change",
    one: "A delivery of a webhook was accepted whose change is not there",
    many: "{n} deliveries of webhooks were accepted whose changes are not there",
    means: "The forge got the answer that its change is stored, and a second delivery of it will be ignored.",
    advice: "Delete its row of mm_change_deliveries, and let the forge deliver it again.",
    sql: () => `select d.delivery as id from mm_change_deliveries d
      where not exists (select 1 from changes c where c.changeid = d.changeid)`,
  },
];
