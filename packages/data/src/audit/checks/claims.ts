import type { Check } from "../check.ts";
import { isGone, mastersByStanding } from "../standing.ts";

/** Who has claimed a build request, and does something about it. */
export const claimChecks: readonly Check[] = [
  {
    id: "claim-of-gone-master",
    one: "A build request is claimed by a master that is gone",
    many: "{n} build requests are claimed by masters that are gone",
    means: "Nobody will run it: a claim ends in the same transaction in which its master leaves or is buried.",
    advice: "Free it: delete its row of buildrequest_claims, and any engine takes it..",
    sql: (at) => `select c.brid as id from buildrequests r join buildrequest_claims c on c.brid = r.id
      where r.complete = 0 and ${isGone("c.masterid", at)}`,
  },
  {
    id: "claim-without-build",
    one: "A build request is claimed by a live master that has no build for it",
    many: "{n} build requests are claimed by live masters that have no build for them",
    means: "A claim becomes a build within moments, and an engine gives one that it forgot back within half a minute.",
    advice:
      "Look whether the engine's event loop is blocked, or its database slow. Stopping that engine gives its claims back.",
    // A build that has just ended is followed by the end of its claim: at once here, a moment later with Buildbot.
    sql: (at) => `select c.brid as id from buildrequests r join buildrequest_claims c on c.brid = r.id
        join ${mastersByStanding(at)} x on x.id = c.masterid and x.standing = 'live'
      where r.complete = 0 and c.claimed_at <= ${at.before} and not exists (
        select 1 from builds b where b.buildrequestid = r.id
          and (b.complete_at is null or b.complete_at > ${at.before} or b.results <> 5))`,
  },
];
