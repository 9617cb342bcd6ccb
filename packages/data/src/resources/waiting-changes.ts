import { findGreatest, findLeast } from "@multimaster/core";
import { publishedSchedulers, queryRows } from "@multimaster/database";
import type { z } from "zod";
import { defineResource, plainFields, type ReadContext } from "../model/define-resource.ts";
import { datetime, integer, text } from "../model/field-kinds.ts";
import { because, countOthers, describeTime, mostFacts, type Reason, reason } from "../waiting/reasons.ts";
import { readSchedulerProblems } from "../waiting/scheduler-problems.ts";

const shape = {
  schedulerid: integer,
  scheduler: text,
  branch: text.nullable(),
  repository: text,
  project: text,
  codebase: text,
  /** The first of them, and how many more there are. */
  changeids: integer.array(),
  changeids_more: integer,
  since: datetime,
  /** When the timer fires unless another change comes; null without one. */
  until: datetime.nullable(),
  reasons: reason.array(),
};

export type WaitingChanges = z.output<z.ZodObject<typeof shape>>;

/** Changes that a scheduler wants and that are in no buildset yet: what shares a timer is one entry. */
export const waitingChanges = defineResource({
  name: "waiting_change",
  plural: "waiting_changes",
  rights: { needs: ["changes", "schedulers"] },
  id: "schedulerid",
  fields: plainFields(shape),
  rows: readWaitingChanges,
  paths: [
    { pattern: "waiting/changes", kind: "collection" },
    {
      pattern: "schedulers/n:schedulerid/waiting",
      kind: "collection",
      rows: async (context) =>
        (await readWaitingChanges(context)).filter((row) => row.schedulerid === context.params["schedulerid"]),
    },
  ],
});

/** If more changes than this wait, the cause is a fault and not a timer. */
const maxChanges = 5000;

interface Row {
  schedulerid: number;
  scheduler: string;
  enabled: number;
  master: string | null;
  seconds: number | null;
  most_seconds: number | null;
  per_branch: number | null;
  /** When it runs next, of a scheduler that goes by the clock. */
  next_at: number | null;
  important: number;
  changeid: number;
  branch: string | null;
  repository: string;
  project: string;
  codebase: string;
  seen_at: number;
  now: number;
}

/** Read from the rows each time, with the reason why they wait. */
export async function readWaitingChanges(context: ReadContext): Promise<WaitingChanges[]> {
  const { connection } = context;
  const { now } = connection.dialect;
  const rows = await queryRows<Row>(
    connection,
    `select s.id as schedulerid, s.name as scheduler, coalesce(s.enabled, 1) as enabled, m.name as master,
            p.timer_seconds as seconds, p.timer_most_seconds as most_seconds, p.timer_per_branch as per_branch, p.next_at,
            coalesce(sc.important, 0) as important, c.changeid, c.branch, c.repository, c.project,
            c.codebase, coalesce(n.seen_at, c.when_timestamp) as seen_at, ${now} as now
       from scheduler_changes sc join schedulers s on s.id = sc.schedulerid join changes c on c.changeid = sc.changeid
       left join mm_scheduler_seen n on n.schedulerid = sc.schedulerid and n.changeid = sc.changeid
       left join ${publishedSchedulers} p on p.schedulerid = s.id
       left join scheduler_masters sm on sm.schedulerid = s.id left join masters m on m.id = sm.masterid
      order by s.id, c.changeid limit ${maxChanges}`,
  );
  const lines = new Map<string, Row[]>();
  for (const row of rows) {
    const { schedulerid, branch, project, repository, codebase, per_branch } = row;
    const key = JSON.stringify([schedulerid, ...(per_branch === 1 ? [branch, project, repository, codebase] : [])]);
    const line = lines.get(key);
    if (line) line.push(row);
    else lines.set(key, [row]);
  }
  if (lines.size === 0) return [];
  const problems = await readSchedulerProblems(context);
  return [...lines.values()].map((line) => showLine(line, problems));
}

function showLine(line: readonly Row[], problems: ReadonlyMap<string, string>): WaitingChanges {
  const newest = line.at(-1) as Row;
  const { schedulerid, scheduler, branch, repository, project, codebase, seconds, most_seconds } = newest;
  const first = findLeast(line, ({ seen_at }) => seen_at) ?? newest.seen_at;
  const last = findGreatest(line, ({ seen_at }) => seen_at) ?? newest.seen_at;
  const firstImportant = findLeast(line, ({ important, seen_at }) => (important === 1 ? seen_at : undefined));
  const latest = most_seconds === null || firstImportant === undefined ? undefined : firstImportant + most_seconds;
  const due = seconds === null ? null : Math.min(last + seconds, latest ?? Number.POSITIVE_INFINITY);
  return {
    schedulerid,
    scheduler,
    branch,
    repository,
    project,
    codebase,
    changeids: line.slice(0, mostFacts).map(({ changeid }) => changeid),
    changeids_more: countOthers(line),
    since: Math.floor(first),
    until: due === null ? null : Math.ceil(due),
    reasons: [explainLine(line, newest, { due, isLimit: due === latest, problem: problems.get(scheduler) })],
  };
}

function explainLine(
  line: readonly Row[],
  { scheduler, enabled, master, next_at: nextAt, now }: Row,
  { due, isLimit, problem }: { due: number | null; isLimit: boolean; problem: string | undefined },
): Reason {
  if (enabled === 0) return because("scheduler_disabled", `The scheduler ${scheduler} is disabled.`, { scheduler });
  if (master === null) return because("no_scheduler", `No live master runs the scheduler ${scheduler}.`, { scheduler });
  if (!line.some(({ important }) => important === 1))
    return because("not_important", "None of the changes is important: they are built with the next one that is.", {
      scheduler,
      master,
    });
  if (nextAt !== null && nextAt > now) {
    const sentence = `They are built when the scheduler ${scheduler} runs next, at ${describeTime(nextAt)}.`;
    return because("next_run", sentence, { scheduler, master, until: Math.ceil(nextAt) });
  }
  const isDue = due === null || due <= now;
  if (isDue && problem !== undefined) {
    const sentence = `The scheduler ${scheduler} reports on ${master}: ${problem}. It tries again.`;
    return because("scheduler_failing", sentence, { scheduler, master, problem });
  }
  if (isDue) return because("submitting", `${master} is about to ask for the builds.`, { scheduler, master });
  return because(
    "timer",
    `The builds are asked for in ${nameSeconds(due - now)}${isLimit ? ", the longest wait" : ", unless another change comes before"}.`,
    {
      scheduler,
      master,
      until: Math.ceil(due),
    },
  );
}

function nameSeconds(seconds: number): string {
  return seconds < 120 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}
