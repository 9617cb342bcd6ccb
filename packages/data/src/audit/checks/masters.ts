import { splitAfterSeconds } from "@multimaster/cluster";
import { isLeaseOpen } from "@multimaster/database";
import type { Check } from "../check.ts";
import { isGone, isLive, mastersByStanding, someMasterWatches } from "../standing.ts";
import { goneChecks } from "./claims-of-gone-masters.ts";

/** A dead master is evicted soon, and nothing is left of it. */
export const masterChecks: readonly Check[] = [
  {
    id: "lease-not-buried",
    one: "A master is dead, and no other has evicted it",
    many: "{n} masters are dead, and no other has evicted them",
    means:
      "What it had claimed stays claimed. Its lease expired more than two leases ago; a live master evicts within a fifth of its own.",
    advice:
      'If no master is live ("master status"), start one. Otherwise see in a live master\'s log why its evictions fail; a transaction of the dead one may still be open in the database.',
    // Live masters that have just come back themselves wait for a whole lease before they evict; and while the database was
    // away, no master could renew.
    sql: (at) => `select l.masterid as id from mm_leases l
      where ${isLeaseOpen("l")} and l.expires_at + 2 * l.lease_s <= ${at.before}
        and (${someMasterWatches(at, at.before)} or (2 * l.lease_s <= ${at.before - at.upSince}
          and not exists (select 1 from mm_leases v where ${isLive("v", at)})))
      union
      select x.id from ${mastersByStanding(at)} x join masters m on m.id = x.id and m.active = 1
      where x.standing = 'expired' and m.last_active <= ${at.before - 660} and ${someMasterWatches(at, at.before)}
        and not exists (select 1 from mm_leases l where l.masterid = x.id and ${isLeaseOpen("l")})`,
  },
  {
    id: "active-flag-of-gone-master",
    one: "A master counts as active although it is gone",
    many: "{n} masters count as active although they are gone",
    means: "The REST API and Buildbot masters beside it take it for alive.",
    advice: "Nothing immediately: it is evicted once more when it has been silent for ten minutes.",
    sql: () => `select m.id from masters m join mm_leases l on l.masterid = m.id
      where m.active = 1 and m.last_active <= coalesce(l.buried_at, l.ended_at)`,
  },
  goneChecks.scheduler,
  goneChecks.changeSource,
  goneChecks.reporter,
  goneChecks.job,
  goneChecks.instance,
  goneChecks.lock,
  goneChecks.lockWait,
  {
    id: "masters-of-different-configs",
    one: "A master has been running another config than one of its role for minutes",
    many: "{n} masters have been running other configs than others of their roles for minutes",
    means:
      "Which of them does a thing decides how it is done: builders, rights or schedulers differ from one master to the next.",
    advice:
      'Compare the configs ("master status" shows their hashes), and run "master reconfig --all" or "master upgrade".',
    sql: (at) => `select distinct c.masterid as id from mm_master_configs c
      join mm_leases l on l.masterid = c.masterid and ${isLive("l", at)}
      join mm_leases o on o.masterid <> l.masterid and ${isLive("o", at)}
      join mm_master_configs d on d.masterid = o.masterid and d.hash <> c.hash
      where c.started_at <= ${at.now - splitAfterSeconds} and d.started_at <= ${at.now - splitAfterSeconds}
        and (${["scheduler", "builder-engine", "ui"]
          .map((role) => `(l.roles like '%"${role}"%' and o.roles like '%"${role}"%')`)
          .join(" or ")})`,
  },
  {
    id: "builder-of-gone-master",
    one: "A builder counts as run by a master that is gone",
    many: "{n} builders count as run by masters that are gone",
    means: "It shows as available where no master builds it.",
    advice: "Delete that master's rows of builder_masters.",
    sql: (at) => `select distinct h.builderid as id from builder_masters h where ${isGone("h.masterid", at)}`,
  },
];
