import { Results } from "@multimaster/core";
import type { Check } from "../check.ts";

const isRecent = (column: string, since: number) => (since > 0 ? ` and ${column} >= ${since}` : "");

/** What has collapsed is not built, and ended in the same transaction. */
export const collapsingChecks: readonly Check[] = [
  {
    id: "collapsed-and-built",
    one: "A build request has collapsed into another one and was built as well",
    many: "{n} build requests have collapsed into others and were built as well",
    means: "Its changes are in two builds: a claim and a collapse did not exclude each other.",
    advice: "Check both builds for what has been released or deployed twice. Report the fault with both masters' logs.",
    windowed: true,
    sql: (at) => `select e.buildrequestid as id from mm_request_ends e
      where e.kind = 'collapsed'${isRecent("e.ended_at", at.since)} and exists (
        select 1 from builds b where b.buildrequestid = e.buildrequestid
          and (b.complete_at is null or b.results <> ${Results.RETRY}))`,
  },
  {
    id: "collapsed-not-ended",
    one: "A build request has collapsed into another one and did not end as SKIPPED",
    many: "{n} build requests have collapsed into others and did not end as SKIPPED",
    means: "Both are written in one transaction. If it is open, it may be built as well.",
    advice: "If it is open, cancel it: the other request builds its changes.",
    windowed: true,
    sql: (at) => `select r.id from mm_request_ends e join buildrequests r on r.id = e.buildrequestid
      where e.kind = 'collapsed'${isRecent("e.ended_at", at.since)} and (r.complete <> 1 or r.results <> ${Results.SKIPPED})`,
  },
  {
    id: "collapsed-into-none",
    one: "A build request has collapsed into one that does not build its changes",
    many: "{n} build requests have collapsed into ones that do not build their changes",
    means: "That one is of another builder, or has collapsed itself: the changes may be in no build.",
    advice: "Rebuild the newest change of its branch. Report the fault with the logs of the engines.",
    windowed: true,
    sql: (at) => `select e.buildrequestid as id from mm_request_ends e
        join buildrequests r on r.id = e.buildrequestid join buildrequests s on s.id = e.into_requestid
      where e.kind = 'collapsed'${isRecent("e.ended_at", at.since)} and (s.builderid <> r.builderid
        or exists (select 1 from mm_request_ends n where n.buildrequestid = s.id and n.kind = 'collapsed'))`,
  },
];
