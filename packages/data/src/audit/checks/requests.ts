import type { Check } from "../check.ts";

/** How long after its parent's end a child may still be there: children are stopped with it, and that takes a while. */
const childGraceSeconds = 300;

/** Each build request ends once, with a result. */
export const requestChecks: readonly Check[] = [
  {
    id: "request-run-twice",
    one: "A build request was run more than once, though not to repeat it",
    many: "{n} build requests were run more than once, though not to repeat them",
    means: "It has more than one build that did not end as RETRY (running ones count): work was done twice.",
    advice:
      "Check its builds for what has been released or deployed twice. Report the fault with the logs of both builds' masters.",
    windowed: true,
    sql: (at) => `select distinct b.buildrequestid as id from builds b
        join builds o on o.buildrequestid = b.buildrequestid and o.id <> b.id
      where b.started_at >= ${at.since}
        and (b.complete_at is null or b.results <> 5) and (o.complete_at is null or o.results <> 5)`,
  },
  {
    id: "request-not-ended",
    one: "A build request is open although its build has ended",
    many: "{n} build requests are open although their builds have ended",
    means: "A build that does not end as RETRY ends its request in the same transaction; this one may be run again.",
    advice: "Cancel it, so that it is not built once more, and read the log of its build's master around that time.",
    sql: (at) => `select r.id from buildrequests r
        join builds b on b.id = (select max(n.id) from builds n where n.buildrequestid = r.id)
      where r.complete = 0 and b.results <> 5 and b.complete_at <= ${at.before}`,
  },
  {
    id: "request-without-result",
    one: "A build request is complete without a result or a time",
    many: "{n} build requests are complete without a result or a time",
    means: "Its buildset's result may be wrong, and with it what was reported.",
    advice: "Set results and complete_at as its last build has them.",
    windowed: true,
    sql: (at) => `select r.id from buildsets s join buildrequests r on r.buildsetid = s.id
      where s.submitted_at >= ${at.since} and r.complete = 1
        and (coalesce(r.results, -1) = -1 or r.complete_at is null)`,
  },
  {
    id: "child-without-parent",
    one: "A triggered build request is open that no build waits for any more",
    many: "{n} triggered build requests are open that no build waits for any more",
    means:
      "The build that waited for it, and its request, ended minutes ago; children that are waited for end with it.",
    advice: "Cancel it, if its result is of no use by itself.",
    sql: (at) => `select r.id from buildrequests r join buildsets s on s.id = r.buildsetid
        join builds p on p.id = s.parent_buildid join buildrequests q on q.id = p.buildrequestid
      where r.complete = 0 and r.waited_for = 1
        and q.complete = 1 and q.complete_at <= ${at.before - childGraceSeconds}`,
  },
];
