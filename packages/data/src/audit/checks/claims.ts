import type { Check } from "../check.ts";
import { mastersByStanding } from "../standing.ts";
import { goneChecks } from "./claims-of-gone-masters.ts";

/** Which master has claimed a build request, and whether it builds it. */
export const claimChecks: readonly Check[] = [
  goneChecks.request,
  {
    id: "claim-without-build",
    one: "A build request is claimed by a live master that has no build for it",
    many: "{n} build requests are claimed by live masters that have no build for them",
    means: "A claim becomes a build within moments, and an engine releases one that it forgot within half a minute.",
    advice:
      "Check whether the engine's event loop is blocked, or its database slow. Stopping that engine releases its claims.",
    // A build that has just ended is followed by the end of its claim: immediately here, a moment later with Buildbot.
    sql: (at) => `select c.brid as id from buildrequests r join buildrequest_claims c on c.brid = r.id
        join ${mastersByStanding(at)} x on x.id = c.masterid and x.standing = 'live'
      where r.complete = 0 and c.claimed_at <= ${at.before} and not exists (
        select 1 from builds b where b.buildrequestid = r.id
          and (b.complete_at is null or b.complete_at > ${at.before} or b.results <> 5))`,
  },
];
