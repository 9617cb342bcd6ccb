import type { Check } from "../check.ts";

/** Times of builds have whole seconds. */
const roundingS = 2;

/** What waits for an approval is in no build, and what was rejected has ended. */
export const approvalChecks: readonly Check[] = [
  {
    id: "unapproved-and-built",
    one: "A build began although its request, of a stranger's code, waited for approval",
    many: "{n} builds began although their requests, of strangers' code, waited for approval",
    means:
      "A stranger's code ran on a worker without a user having read it: a claim and the approval did not exclude each other.",
    advice: "Treat its worker as one that ran hostile code, and report the fault with the log of the build's master.",
    windowed: true,
    sql: (at) => `select b.id from mm_approvals a join builds b on b.buildrequestid = a.buildrequestid
      where b.started_at >= a.asked_at + ${roundingS} and b.started_at >= ${at.since}
        and (a.decision is null or a.decision <> 'approved' or b.started_at <= a.decided_at - ${roundingS})`,
  },
  {
    id: "rejected-not-ended",
    one: "A build request was rejected, or its approval has expired, and it is still open",
    many: "{n} build requests were rejected, or their approvals have expired, and they are still open",
    means: "The decision and the end of the request are written in one transaction. No engine may start it.",
    advice: "Cancel it, and report the fault with the log of the master that decided.",
    sql: (at) => `select r.id from mm_approvals a join buildrequests r on r.id = a.buildrequestid
      where a.decision in ('rejected', 'expired') and a.decided_at <= ${at.before} and r.complete = 0`,
  },
];
