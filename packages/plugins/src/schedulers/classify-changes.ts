import { setImmediate } from "node:timers/promises";
import type { Change } from "@multimaster/data";
import type { SchedulerContext, Submission, Verdict } from "../define-scheduler.ts";
import { OptionRests } from "../option-functions.ts";
import { matchesFilter } from "./change-filter.ts";
import type { Problems } from "./problems.ts";
import type { ClassifyingOptions } from "./scheduler-options.ts";

/** Which changes a scheduler is interested in. */
export interface Classifying {
  readonly options: ClassifyingOptions;
  /** Whether the change concerns this scheduler, beyond the filter that all have. */
  concerns(change: Change): boolean;
  /** Whether unimportant changes are kept, to be built together with important ones. */
  readonly batches: boolean;
  readonly problems: Problems;
}

const batch = 500;
/** Maximum number of buildsets added in one transaction. */
export const submitBatch = 50;

/**
 * Classifies every change that the scheduler has not classified yet. With `direct`, important ones are built in the same
 * transaction; it then resolves to "built" if there were changes, since none of them waits.
 */
export async function classifyUnseen(
  ctx: SchedulerContext,
  classifying: Classifying,
  signal: AbortSignal,
  direct?: (change: Change) => Submission,
): Promise<"done" | "built" | "lost"> {
  const limit = direct ? submitBatch : batch;
  for (let result: "done" | "built" = "done"; !signal.aborted; result = direct ? "built" : "done") {
    const changes = await ctx.unseenChanges(limit);
    if (changes.length === 0) return result;
    const verdicts = judgeAll(ctx, classifying, changes);
    // The rest waits until a function of the config is called again.
    if (verdicts.length === 0) return result;
    const important = direct ? changes.filter((_, i) => verdicts[i]?.verdict === "important") : [];
    const submissions = direct ? important.map(direct) : [];
    if ((await ctx.classify(verdicts, submissions)) === "lost") return "lost";
    if (verdicts.length < limit) return direct ? "built" : "done";
    // SQLite answers synchronously: without this, no other task would run while many changes are classified.
    await setImmediate();
  }
  return "done";
}

/** Up to the first change about which no function may be asked now. */
function judgeAll(ctx: SchedulerContext, classifying: Classifying, changes: readonly Change[]): Verdict[] {
  const verdicts: Verdict[] = [];
  try {
    for (const change of changes)
      verdicts.push({ changeid: change.changeid, verdict: judge(ctx, classifying, change) });
  } catch (error) {
    if (!(error instanceof OptionRests)) throw error;
  }
  return verdicts;
}

function judge(
  ctx: SchedulerContext,
  { options, concerns, batches, problems }: Classifying,
  change: Change,
): Verdict["verdict"] {
  // Errors in the config's functions must not block the changes behind this one: a failing filter lets no change through,
  // and a change of unknown importance is built.
  const ask = (option: string, question: () => boolean, otherwise: boolean) => {
    try {
      return problems.functions.call({ option, about: `change ${change.changeid}` }, question);
    } catch (error) {
      if (error instanceof OptionRests) throw error;
      ctx.log.error(
        { scheduler: ctx.name, changeid: change.changeid, err: error },
        `${option} failed on change ${change.changeid}`,
      );
      return otherwise;
    }
  };
  const { changeFilter, fileIsImportant, codebases } = options;
  if (codebases && !Object.hasOwn(codebases, change.codebase)) return "ignored";
  if (!concerns(change)) return "ignored";
  if (changeFilter && !ask("changeFilter", () => matchesFilter(changeFilter, change), false)) return "ignored";
  if (!fileIsImportant || ask("fileIsImportant", () => Boolean(fileIsImportant(change)), true)) return "important";
  return options.onlyImportant || !batches ? "ignored" : "unimportant";
}
