import { setImmediate } from "node:timers/promises";
import type { Json } from "@multimaster/core";
import type { NewChange } from "@multimaster/data";
import { z } from "zod";
import type { ChangeSourceContext } from "../../define-change-source.ts";
import type { Commit } from "./commit.ts";
import type { CommitLine } from "./local-copy.ts";

/** Limits commits and files per transaction, so that it blocks no other work for long, such as renewing the lease. */
const maxCommits = 200;
const maxFiles = 2000;

/** Revisions by branch, as saved. */
export type Heads = Readonly<Record<string, string>>;

/** The progress of reporting a push that is too large for one transaction. */
const progressShape = z.object({ branch: z.string(), before: z.string().nullable(), tips: z.array(z.string()) });
const progressState = "progress";

/**
 * The reported commits of a branch whose saved head is older: those from which all other reported ones can be reached. Empty
 * unless a poll was interrupted.
 */
export async function readProgress(ctx: ChangeSourceContext, branch: string, known: Heads): Promise<readonly string[]> {
  const saved = progressShape.safeParse(await ctx.getState(progressState));
  if (!saved.success || saved.data.branch !== branch || saved.data.before !== (known[branch] ?? null)) return [];
  return saved.data.tips;
}

export interface Report {
  readonly branch: string;
  /** Oldest first, each after its parents. */
  readonly commits: readonly CommitLine[];
  readonly known: Heads;
  /** Saved when all are reported. */
  readonly heads: Heads;
  /** The tips of an earlier, interrupted poll. */
  readonly tips: readonly string[];
  describe(revisions: readonly string[]): Promise<Commit[]>;
  toChange(commit: Commit): NewChange;
}

/**
 * Adds a change for each commit, in transactions of bounded size. Each also saves the progress, so that the master that
 * continues reports every commit exactly once.
 */
export async function reportCommits(ctx: ChangeSourceContext, report: Report): Promise<"done" | "lost"> {
  const { branch, commits, known, heads, describe, toChange } = report;
  const tips = new Set(report.tips);
  let isCut = report.tips.length > 0;
  let waiting: { line: CommitLine; commit: Commit }[] = [];

  async function save(isLast: boolean): Promise<"done" | "lost"> {
    for (const { line } of waiting) {
      for (const parent of line.parents) tips.delete(parent);
      tips.add(line.revision);
    }
    const progress: Json = { branch, before: known[branch] ?? null, tips: [...tips] };
    const state = isLast ? { name: "lastRev", value: { ...heads } } : { name: progressState, value: progress };
    const changes = waiting.map(({ commit }) => toChange(commit));
    waiting = [];
    isCut ||= !isLast;
    if ((await ctx.addChanges(changes, state)) === "lost") return "lost";
    // SQLite answers synchronously: without this, no other task would run between many transactions.
    await setImmediate();
    return "done";
  }

  for (let from = 0; from < commits.length; from += maxCommits) {
    const lines = commits.slice(from, from + maxCommits);
    const described = new Map(
      (await describe(lines.map(({ revision }) => revision))).map((commit) => [commit.revision, commit]),
    );
    let files = 0;
    for (const line of lines) {
      const commit = described.get(line.revision);
      if (commit === undefined) continue;
      if (waiting.length > 0 && files + commit.files.length > maxFiles) {
        if ((await save(false)) === "lost") return "lost";
        files = 0;
      }
      files += commit.files.length;
      waiting.push({ line, commit });
    }
    if (from + maxCommits < commits.length && (await save(false)) === "lost") return "lost";
    if (ctx.signal.aborted) return "lost";
  }
  if ((await save(true)) === "lost") return "lost";
  // The saved heads now include what was reported in pieces. If the progress stayed, it would hide a branch created again.
  return isCut && (await ctx.addChanges([], { name: progressState, value: null })) === "lost" ? "lost" : "done";
}
