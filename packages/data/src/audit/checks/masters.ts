import type { Check } from "../check.ts";
import { isGone, isLive, isOpen, mastersByStanding, somebodyWatches } from "../standing.ts";

/** A master that is dead is buried soon, and nothing is left of it. */
export const masterChecks: readonly Check[] = [
  {
    id: "lease-not-buried",
    one: "A master is dead, and nobody has buried it",
    many: "{n} masters are dead, and nobody has buried them",
    means:
      "What it had claimed stays claimed. Its lease expired more than two leases ago; a live master buries within a fifth of its own.",
    advice:
      'If no master lives ("master status"), start one. Otherwise see in a live master\'s log why its burials fail; a transaction of the dead one may still be open in the database.',
    // Live masters that have just come back themselves wait for a whole lease before they bury; and while the database was
    // away, nobody could renew.
    sql: (at) => `select l.masterid as id from mm_leases l
      where ${isOpen("l")} and l.expires_at + 2 * l.lease_s <= ${at.before}
        and (${somebodyWatches(at, at.before)} or (2 * l.lease_s <= ${at.before - at.upSince}
          and not exists (select 1 from mm_leases v where ${isLive("v", at)})))
      union
      select x.id from ${mastersByStanding(at)} x join masters m on m.id = x.id and m.active = 1
      where x.standing = 'expired' and m.last_active <= ${at.before - 660} and ${somebodyWatches(at, at.before)}
        and not exists (select 1 from mm_leases l where l.masterid = x.id and ${isOpen("l")})`,
  },
  {
    id: "active-flag-of-gone-master",
    one: "A master counts as active although it is gone",
    many: "{n} masters count as active although they are gone",
    means: "The REST API and Buildbot masters beside it take it for alive.",
    advice: "Nothing at once: it is buried once more when it has been silent for ten minutes.",
    sql: () => `select m.id from masters m join mm_leases l on l.masterid = m.id
      where m.active = 1 and m.last_active <= coalesce(l.buried_at, l.ended_at)`,
  },
  {
    id: "scheduler-of-gone-master",
    one: "A scheduler is claimed by a master that is gone",
    many: "{n} schedulers are claimed by masters that are gone",
    means: "It does not run, and no other master takes it.",
    advice: "Delete its row of scheduler_masters: a live scheduler master takes it within seconds.",
    sql: (at) => `select h.schedulerid as id from scheduler_masters h where ${isGone("h.masterid", at)}`,
  },
  {
    id: "changesource-of-gone-master",
    one: "A change source is claimed by a master that is gone",
    many: "{n} change sources are claimed by masters that are gone",
    means: "It does not run, and no other master takes it: changes are not noticed.",
    advice: "Delete its row of changesource_masters: a live scheduler master takes it within seconds.",
    sql: (at) => `select h.changesourceid as id from changesource_masters h where ${isGone("h.masterid", at)}`,
  },
  {
    id: "builder-of-gone-master",
    one: "A builder counts as run by a master that is gone",
    many: "{n} builders count as run by masters that are gone",
    means: "It shows as available where nobody builds it.",
    advice: "Delete that master's rows of builder_masters.",
    sql: (at) => `select distinct h.builderid as id from builder_masters h where ${isGone("h.masterid", at)}`,
  },
];
