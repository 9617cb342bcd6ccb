import type { Check } from "../check.ts";

/** Masters complete, twice a minute, buildsets that a Buildbot master beside them left open. */
const sweepSeconds = 60;

/** A buildset ends with its last build request, neither before nor never. */
export const buildsetChecks: readonly Check[] = [
  {
    id: "buildset-complete-too-early",
    one: "A buildset is complete although a build request of it is open",
    many: "{n} buildsets are complete although build requests of them are open",
    means: "Its result was reported, and what waited for it went on, before all of it was built.",
    advice: "Do not trust its result before the open requests have ended. Report the fault with the masters' logs.",
    sql: () => `select distinct s.id from buildrequests r join buildsets s on s.id = r.buildsetid
      where r.complete = 0 and s.complete = 1`,
  },
  {
    id: "buildset-not-complete",
    one: "A buildset is open although all of its build requests are complete",
    many: "{n} buildsets are open although all of their build requests are complete",
    means: "Its end is not published: reports are not sent, and what waits for it waits on.",
    advice: "Any live master completes it within half a minute; see whether one is live, and what its log says.",
    sql: ({ before }) => `select s.id from buildsets s
      where s.complete = 0 and s.submitted_at <= ${before - sweepSeconds} and not exists (
        select 1 from buildrequests r where r.buildsetid = s.id
          and (coalesce(r.complete, 0) <> 1 or r.complete_at > ${before - sweepSeconds}))`,
  },
  {
    id: "buildset-without-result",
    one: "A buildset is complete without a result or a time",
    many: "{n} buildsets are complete without a result or a time",
    means: "What was reported of it, and what depends on it, may be wrong.",
    advice: "Set results to the worst of its build requests, and complete_at to the last of theirs.",
    windowed: true,
    sql: (at) => `select s.id from buildsets s where s.submitted_at >= ${at.since} and s.complete = 1
        and (coalesce(s.results, -1) = -1 or s.complete_at is null)`,
  },
];
