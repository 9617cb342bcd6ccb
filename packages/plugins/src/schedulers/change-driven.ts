import { setImmediate } from "node:timers/promises";
import { findGreatest, findLeast } from "@multimaster/core";
import type { Change, ClassifiedChange, NewSourceStamp, WaitingChange } from "@multimaster/data";
import type { SchedulerContext, Submission, Verdict } from "../define-scheduler.ts";
import { type Running, startPolling } from "../running.ts";
import { matchesFilter } from "./change-filter.ts";
import { type ChangeOptions, schedulerProperties } from "./scheduler-options.ts";

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

const batch = 500;
/** Maximum number of buildsets added in one transaction. */
const submitBatch = 50;
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
  // Without a timer, and once no classified change waits, the verdict and the buildset are one transaction.
  let isDirect = false;
  return startPolling(ctx, {
    pollMs,
    async poll(signal) {
      const classified = await classifyUnseen(ctx, driven, isDirect, signal);
      if (classified === "lost" || signal.aborted) isDirect = false;
      if (classified !== "done" || signal.aborted) return undefined;
      const { next, waiting } = await submitStable(ctx, driven);
      isDirect = timer === undefined && waiting === 0;
      return next;
    },
  });
}

/** Direct: resolves to "built" if there were changes, since none of them waits then. */
async function classifyUnseen(
  ctx: SchedulerContext,
  driven: ChangeDriven,
  isDirect: boolean,
  signal: AbortSignal,
): Promise<"done" | "built" | "lost"> {
  const limit = isDirect ? submitBatch : batch;
  for (let result: "done" | "built" = "done"; !signal.aborted; result = isDirect ? "built" : "done") {
    const changes = await ctx.unseenChanges(limit);
    if (changes.length === 0) return result;
    const verdicts = changes.map(
      (change): Verdict => ({ changeid: change.changeid, verdict: judge(ctx, driven, change) }),
    );
    const important = isDirect ? changes.filter((_, i) => verdicts[i]?.verdict === "important") : [];
    const submissions = important.map((change) => describeBuildset(ctx, driven, [change]));
    if ((await ctx.classify(verdicts, submissions)) === "lost") return "lost";
    if (changes.length < limit) return isDirect ? "built" : "done";
    // SQLite answers synchronously: without this, no other task would run while many changes are classified.
    await setImmediate();
  }
  return "done";
}

function judge(ctx: SchedulerContext, { options, concerns }: ChangeDriven, change: Change): Verdict["verdict"] {
  // Errors in the config's functions must not block the changes behind this one: a failing filter lets no change through,
  // and a change of unknown importance is built.
  const ask = (what: string, question: () => boolean, otherwise: boolean) => {
    try {
      return question();
    } catch (error) {
      ctx.log.error(
        { scheduler: ctx.name, changeid: change.changeid, err: error },
        `${what} failed on change ${change.changeid}`,
      );
      return otherwise;
    }
  };
  const { changeFilter, fileIsImportant, codebases } = options;
  if (codebases && !Object.hasOwn(codebases, change.codebase)) return "ignored";
  if (!concerns(change)) return "ignored";
  if (changeFilter && !ask("the change filter", () => matchesFilter(changeFilter, change), false)) return "ignored";
  if (!fileIsImportant || ask("fileIsImportant", () => Boolean(fileIsImportant(change)), true)) return "important";
  // Without a tree-stable timer, changes are never batched.
  return options.onlyImportant || options.treeStableTimer === undefined ? "ignored" : "unimportant";
}

interface Submitted {
  /** The time until the next timer fires. */
  readonly next: number | undefined;
  /** How many changes are still classified. */
  readonly waiting: number;
}

/** Submits what is due. */
async function submitStable(ctx: SchedulerContext, driven: ChangeDriven): Promise<Submitted> {
  const submissions: Submission[] = [];
  let next: number | undefined;
  const classified = await ctx.classifiedChanges();
  for (const line of groupByLine(classified, driven)) {
    if (driven.options.treeStableTimer === undefined) {
      for (const changes of takeEach(line)) submissions.push(describeBuildset(ctx, driven, changes));
      continue;
    }
    const rest = findRest(line, driven.options);
    if (rest === undefined) continue;
    if (rest > 0) next = Math.min(next ?? rest, rest);
    else {
      const changes = line.map(({ change }) => change);
      submissions.push(describeBuildset(ctx, driven, changes));
    }
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

function describeBuildset(
  ctx: SchedulerContext,
  { className, options }: ChangeDriven,
  changes: readonly WaitingChange[],
): Submission {
  const stamps = new Map<string, NewSourceStamp | number>();
  for (const [codebase, stamp] of Object.entries(options.codebases ?? {})) stamps.set(codebase, { ...stamp, codebase });
  // Oldest first: the newest change of a codebase decides. Uses the change's own source stamp, so that the build has its changes.
  for (const change of changes) stamps.set(change.codebase, change.sourcestamp.ssid);
  return {
    changeids: changes.map(({ changeid }) => changeid),
    buildset: {
      reason: options.reason ?? `The ${className} scheduler named '${ctx.name}' triggered this build`,
      sourceStamps: [...stamps.values()],
      builders: options.builders,
      properties: schedulerProperties(ctx.name, options.properties),
      priority: options.priority,
    },
  };
}
