import { setImmediate } from "node:timers/promises";
import { append, findGreatest, findLeast } from "@multimaster/core";
import type { Change, ClassifiedChange, NewSourceStamp, WaitingChange } from "@multimaster/data";
import type { SchedulerContext, Submission } from "../define-scheduler.ts";
import { type Running, startPolling } from "../running.ts";
import { classifyUnseen, submitBatch } from "./classify-changes.ts";
import { choosesByFunction, type Plan, planBuildset, planStatic } from "./planned-buildset.ts";
import { Problems } from "./problems.ts";
import type { ChangeOptions } from "./scheduler-options.ts";

/** The differences between the schedulers that follow changes. */
export interface ChangeDriven {
  /** The name in the reason of its buildsets. */
  readonly className: string;
  readonly options: ChangeOptions;
  /** Whether the change concerns this scheduler, beyond the filter that all have. */
  concerns(change: Change): boolean;
  /** Changes of the same line share a timer and a buildset. */
  lineOf(change: WaitingChange): string;
  /** Whether each branch of a repository is a line of its own; otherwise all changes are one line. */
  readonly perBranch: boolean;
}

const pollMs = 5000;

/** Follows changes: classifies each once, keeps it among the classified ones, and removes it when a buildset contains it. */
export async function startChangeDriven(ctx: SchedulerContext, driven: ChangeDriven): Promise<Running> {
  const { treeStableTimer: timer, treeStableMaxWait: most } = driven.options;
  const seconds = (ms: number | undefined) => (ms === undefined ? null : ms / 1000);
  await ctx.publish({
    kind: "changes",
    timer:
      timer === undefined ? null : { seconds: timer / 1000, perBranch: driven.perBranch, mostSeconds: seconds(most) },
  });
  const problems = new Problems(ctx);
  // Without a tree-stable timer, changes are never batched.
  const classifying = { ...driven, batches: timer !== undefined, problems };
  const direct = (change: Change) => planStatic(ctx, driven.options, planOf(ctx, driven, [change]));
  // Without a timer, and once no classified change waits, the verdict and the buildset are one transaction.
  let isDirect = false;
  return startPolling(ctx, {
    pollMs,
    async poll(signal) {
      const classified = await classifyUnseen(ctx, classifying, signal, isDirect ? direct : undefined);
      if (classified === "lost" || signal.aborted) isDirect = false;
      if (classified === "built") await problems.show(ctx);
      if (classified !== "done" || signal.aborted) return undefined;
      const { next, waiting } = await submitStable(ctx, driven, problems);
      await problems.show(ctx);
      isDirect = timer === undefined && waiting === 0 && !choosesByFunction(driven.options);
      return next;
    },
  });
}

interface Submitted {
  /** The time until the next timer fires. */
  readonly next: number | undefined;
  /** How many changes are still classified. */
  readonly waiting: number;
}

/** Submits what is due. */
async function submitStable(ctx: SchedulerContext, driven: ChangeDriven, problems: Problems): Promise<Submitted> {
  const due: WaitingChange[][] = [];
  let next: number | undefined;
  const classified = await ctx.classifiedChanges();
  for (const line of groupByLine(classified, driven)) {
    if (driven.options.treeStableTimer === undefined) {
      append(due, takeEach(line));
      continue;
    }
    const rest = findRest(line, driven.options);
    if (rest === undefined) continue;
    if (rest > 0) next = Math.min(next ?? rest, rest);
    else due.push(line.map(({ change }) => change));
  }
  const submissions: Submission[] = [];
  for (const changes of due) {
    const { submission } = await planBuildset(ctx, driven.options, planOf(ctx, driven, changes), problems);
    // What could not be planned waits for the next poll, and holds up no other.
    if (submission) submissions.push(submission);
  }
  for (let from = 0; from < submissions.length; from += submitBatch) {
    if ((await ctx.submit(submissions.slice(from, from + submitBatch))) === "lost")
      return { next: undefined, waiting: classified.length };
    await setImmediate();
  }
  const submitted = submissions.reduce((sum, { changeids }) => sum + changeids.length, 0);
  return { next, waiting: classified.length - submitted };
}

/**
 * Milliseconds until a line is built; undefined while none of its changes is important. Ages are by the database's clock: a
 * master that takes over continues the same timer.
 */
function findRest(
  line: readonly ClassifiedChange[],
  { treeStableTimer = 0, treeStableMaxWait }: ChangeOptions,
): number | undefined {
  const longest = findGreatest(line, ({ important, ageSeconds }) => (important ? ageSeconds : undefined));
  if (longest === undefined) return undefined;
  const quiet = treeStableTimer - (findLeast(line, ({ ageSeconds }) => ageSeconds) ?? 0) * 1000;
  return treeStableMaxWait === undefined ? quiet : Math.min(quiet, treeStableMaxWait - longest * 1000);
}

function groupByLine(classified: readonly ClassifiedChange[], { lineOf }: ChangeDriven): ClassifiedChange[][] {
  const lines = new Map<string, ClassifiedChange[]>();
  for (const item of classified.toSorted((a, b) => a.change.changeid - b.change.changeid)) {
    const key = lineOf(item.change);
    const line = lines.get(key);
    if (line) line.push(item);
    else lines.set(key, [item]);
  }
  return [...lines.values()];
}

/** One list per important change; unimportant ones, left from a config with a timer, go with the next important one. */
function takeEach(line: readonly ClassifiedChange[]): WaitingChange[][] {
  const taken: WaitingChange[][] = [];
  let waiting: WaitingChange[] = [];
  for (const { change, important } of line) {
    waiting.push(change);
    if (!important) continue;
    taken.push(waiting);
    waiting = [];
  }
  return taken;
}

function planOf(ctx: SchedulerContext, { className, options }: ChangeDriven, changes: readonly WaitingChange[]): Plan {
  const stamps = new Map<string, NewSourceStamp | number>();
  const shown = new Map<string, NewSourceStamp>();
  const put = (stamp: NewSourceStamp, id: NewSourceStamp | number = stamp) => {
    stamps.set(stamp.codebase, id);
    shown.set(stamp.codebase, stamp);
  };
  for (const [codebase, stamp] of Object.entries(options.codebases ?? {})) put({ ...stamp, codebase });
  // Oldest first: the newest change of a codebase decides. Uses the change's own source stamp, so that the build has its changes.
  for (const { branch, revision, repository, project, codebase, sourcestamp } of changes)
    put({ branch, revision, repository, project, codebase }, sourcestamp.ssid);
  return {
    reason: options.reason ?? `The ${className} scheduler named '${ctx.name}' triggered this build`,
    sourceStamps: [...stamps.values()],
    shown: [...shown.values()],
    changeids: changes.map(({ changeid }) => changeid),
  };
}
