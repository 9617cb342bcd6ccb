import type { Check } from "../check.ts";
import { isGone, waitsForEngine } from "../standing.ts";

/** Builds are numbered without a gap, and run only on live masters. */
export const buildChecks: readonly Check[] = [
  {
    id: "build-numbers-repeat",
    one: "A builder has two builds of one number",
    many: "{n} builders have two builds of one number",
    means: "The unique index builds_number is missing, or broken.",
    advice: "Renumber the later of the two builds, and make the index again.",
    sql: () => `select distinct builderid as id from
      (select builderid from builds group by builderid, number having count(*) > 1) k`,
  },
  {
    id: "build-numbers-gap",
    one: "A builder's build numbers have a gap",
    many: "{n} builders' build numbers have gaps",
    means: "A build has vanished from among the others. (That the oldest are gone is no gap.)",
    advice: "Find out what deleted it; a clean-up deletes the oldest first. A backup shows which build it was.",
    sql: () => `select builderid as id from builds group by builderid
      having max(number) - min(number) + 1 > count(distinct number)`,
  },
  {
    id: "build-without-result",
    one: "A build has a result without an end, or an end without a result",
    many: "{n} builds have a result without an end, or an end without a result",
    means: "It shows as running and as ended.",
    advice: "See in its master's log how it ended, and set what is missing.",
    windowed: true,
    sql: (at) => `select b.id from builds b
      where b.started_at >= ${at.since} and (b.complete_at is null) <> (b.results is null)`,
  },
  {
    id: "build-of-gone-master",
    one: "A build runs on a master that is gone",
    many: "{n} builds run on masters that are gone",
    means:
      "No master runs it: a master's builds end as RETRY in the same transaction in which it leaves or is evicted, or wait a short time for another engine.",
    advice: "Set it to RETRY, and free its request.",
    sql: (at) => `select b.id from builds b where b.complete_at is null and ${isGone("b.masterid", at)}
        and not ${waitsForEngine("b.id", at)}`,
  },
  {
    id: "build-without-claim",
    one: "A build runs although its master has not claimed its request",
    many: "{n} builds run although their masters have not claimed their requests",
    means: "Another engine may run the same request at the same time.",
    advice: "Stop the build. Report the fault with the log of its master.",
    sql: (at) => `select b.id from builds b join buildrequests r on r.id = b.buildrequestid
      where b.complete_at is null and r.complete = 0 and not ${isGone("b.masterid", at)} and not exists (
        select 1 from buildrequest_claims c where c.brid = r.id and c.masterid = b.masterid)`,
  },
  {
    id: "build-of-ended-request",
    one: "A build runs although its request is complete",
    many: "{n} builds run although their requests are complete",
    means: "Its work is for nothing, and keeps a worker busy.",
    advice: "Stop the build. Report the fault with the log of its master.",
    sql: () => `select b.id from builds b join buildrequests r on r.id = b.buildrequestid
      where b.complete_at is null and r.complete = 1`,
  },
  {
    id: "step-of-ended-build",
    one: "A step runs although its build has ended",
    many: "{n} steps run although their builds have ended",
    means: "It shows as running for ever.",
    advice: "Set its complete_at and results to those of its build.",
    windowed: true,
    sql: (at) => `select s.id from builds b join steps s on s.buildid = b.id
      where b.started_at >= ${at.since} and b.complete_at is not null and s.complete_at is null`,
  },
];
