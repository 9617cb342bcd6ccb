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
    means:
      "A build has vanished from among the others. (That the oldest are gone is no gap, nor is what retention notes as deleted.)",
    advice: "Find out what deleted it. A backup shows which build it was.",
    sql: () => `select k.builderid as id from (
        select builderid, min(number) as oldest, max(number) as newest, count(distinct number) as found
          from builds group by builderid) k
      where k.newest - k.oldest + 1 > k.found + coalesce((select sum(d.last_number - d.first_number + 1)
        from mm_retired_builds d where d.builderid = k.builderid
         and d.first_number > k.oldest and d.last_number < k.newest), 0)`,
  },
  {
    id: "retired-build-there",
    one: "A builder has a build whose number counts as deleted",
    many: "{n} builders have builds whose numbers count as deleted",
    means: "A number was given twice: addresses of the deleted build lead to another one.",
    advice: "Report the fault with the log of the master that ran retention.",
    windowed: true,
    sql: (at) => `select distinct b.builderid as id from mm_retired_builds d
      join builds b on b.builderid = d.builderid and b.number between d.first_number and d.last_number
      where b.started_at >= ${at.since}`,
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
  {
    id: "orphan-of-history",
    one: "A row of the history belongs to one that is not there",
    many: "{n} rows of the history belong to ones that are not there",
    means:
      "A build was deleted and a part of it was left, by hand or in a database that did not enforce references. Retention deletes both in one transaction.",
    advice: "Delete it. The id is its table, the column that refers, and to what.",
    windowed: true,
    sql: ({ since }) =>
      historyReferences
        .map(
          ([
            table,
            column,
            to,
            recent,
          ]) => `select distinct '${table}.${column} ' || cast(o.${column} as varchar(20)) as id
      from ${table} o where o.${column} is not null${since > 0 ? ` and ${recent(since)}` : ""}
        and not exists (select 1 from ${to} p where p.id = o.${column})`,
        )
        .join("\n union\n "),
  },
];

/** The first step since a time: what has higher ids is about as new. */
const firstStep = (since: number) => `(select id from steps where started_at >= ${since} order by started_at limit 1)`;

/** References within the history, and which of the rows are recent. */
const historyReferences: readonly (readonly [
  table: string,
  column: string,
  to: string,
  recent: (since: number) => string,
])[] = [
  ["buildrequests", "buildsetid", "buildsets", (since) => `o.submitted_at >= ${since}`],
  ["builds", "buildrequestid", "buildrequests", (since) => `o.started_at >= ${since}`],
  ["steps", "buildid", "builds", (since) => `o.started_at >= ${since}`],
  ["logs", "stepid", "steps", (since) => `o.stepid >= ${firstStep(since)}`],
  [
    "logchunks",
    "logid",
    "logs",
    (since) => `o.logid >= (select min(id) from logs where stepid >= ${firstStep(since)})`,
  ],
];
