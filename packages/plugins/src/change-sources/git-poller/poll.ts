import { join } from "node:path";
import type { NewChange } from "@multimaster/data";
import type { ChangeSourceContext } from "../../define-change-source.ts";
import { OptionRests } from "../../option-functions.ts";
import type { Commit } from "./commit.ts";
import { type GitOptions, TooMuchOutput } from "./git-command.ts";
import { listBranches } from "./list-branches.ts";
import { type CommitLine, type LocalCopy, openLocalCopy } from "./local-copy.ts";
import type { PollerMemory } from "./notices.ts";
import { type BranchChoice, pickBranches } from "./pick-branches.ts";
import { type Heads, readProgress, reportCommits } from "./report-commits.ts";

export interface PollOptions {
  readonly branches?: BranchChoice;
  readonly maxBranches: number;
  readonly buildOnFirstRun: boolean;
  readonly buildPushesWithNoCommits: boolean;
  readonly workdir?: string | undefined;
  readonly project: string;
  readonly codebase: string;
  readonly category?: string | ((change: NewChange) => string | null) | undefined;
}

/**
 * Reports what is new in the repository since the last poll, by whichever master. Resolves to the problem that prevents it
 * from finding changes, or to null.
 */
export async function poll(
  ctx: ChangeSourceContext,
  options: PollOptions,
  repository: string,
  git: GitOptions,
  memory: PollerMemory,
): Promise<string | null> {
  const { notices } = memory;
  const saved = (await ctx.getState("lastRev")) as Heads | null | undefined;
  const known = saved ?? {};
  const listed = await listBranches(repository, git);
  const remote = pickBranches(listed, options.branches, { known, most: options.maxBranches }, memory);
  const problem = remote.size > 0 ? null : `${repository}: ${notices.current.join("; ")}`;
  const gone = Object.keys(known).filter((branch) => !remote.has(branch));
  const moved = [...remote].filter(([branch, revision]) => known[branch] !== revision).map(([branch]) => branch);
  if (saved && gone.length === 0 && moved.length === 0) return problem;

  let heads: Heads = Object.fromEntries(Object.entries(known).filter(([branch]) => remote.has(branch)));
  const directory = options.workdir ?? join(ctx.directory, "git");
  const hashLength = (remote.values().next().value ?? Object.values(known)[0] ?? "").length;
  const copy = openLocalCopy({ directory, repository, hashLength }, git);
  const fetch = async () => {
    const { heads: fetched, failed } = await copy.fetch([...remote.keys()]);
    const [first] = failed;
    notices.setIf(
      failed.size > 0,
      "fetch",
      `${failed.size} branches cannot be fetched, such as ${first?.[0]}; the others are followed`,
      first?.[1],
    );
    return fetched;
  };
  if (!saved && !options.buildOnFirstRun) {
    const noted = await ctx.addChanges([], { name: "lastRev", value: Object.fromEntries(remote) });
    // Fetched after recording: pushes during the first fetch of a large repository then count as new. With all objects here,
    // a branch that is rewritten later can be compared with its former state.
    if (noted !== "lost" && remote.size > 0) await fetch();
    return problem;
  }
  if (moved.length === 0) {
    await ctx.addChanges([], { name: "lastRev", value: heads });
    await copy.forget(gone);
    return problem;
  }
  // A branch may have moved or been deleted since it was listed: the fetched state counts.
  const fetched = await fetch();
  const excluded = new Set(Object.values(known));
  let found = 0;
  // Known branches come first: commits that are also on a new branch belong to them.
  for (const branch of moved.toSorted((a, b) => Number(b in known) - Number(a in known))) {
    const head = fetched.get(branch);
    if (head === undefined || head === known[branch]) continue;
    const tips = await readProgress(ctx, branch, known);
    const before = known[branch];
    const commits = saved
      ? await listNew(ctx, copy, options, { branch, head, before }, [...excluded, ...tips])
      : [{ revision: head, parents: [] }];
    heads = { ...heads, [branch]: head };
    excluded.add(head);
    // Branch by branch: the poll after an interrupted one continues with the next branch.
    const report = { branch, commits, known, heads, tips };
    const toChange = (commit: Commit) => describeChange(commit, branch, repository, options, memory);
    if ((await reportCommits(ctx, { ...report, describe: copy.describe, toChange })) === "lost") return null;
    found += commits.length;
  }
  if (found > 0)
    ctx.log.info(
      { changeSource: ctx.name, changes: found },
      `found ${found} new ${found === 1 ? "commit" : "commits"} in ${repository}`,
    );
  await copy.forget(gone);
  return problem;
}

async function listNew(
  ctx: ChangeSourceContext,
  copy: LocalCopy,
  options: PollOptions,
  { branch, head, before }: { branch: string; head: string; before: string | undefined },
  known: readonly string[],
): Promise<readonly CommitLine[]> {
  const newest = { revision: head, parents: [] };
  // Without a known commit to compare with, the whole history would seem new.
  if (known.length === 0) return [newest];
  if (before !== undefined && !(await copy.has(before))) {
    ctx.log.warn(
      { changeSource: ctx.name, branch },
      `${branch} was rewritten and its former head is gone: only its newest commit is reported`,
    );
    return [newest];
  }
  try {
    const commits = await copy.listCommits(head, known);
    return commits.length === 0 && options.buildPushesWithNoCommits ? [newest] : commits;
  } catch (error) {
    if (!(error instanceof TooMuchOutput)) throw error;
    ctx.log.warn(
      { changeSource: ctx.name, branch },
      `${branch} has more new commits than can be listed: only its newest commit is reported`,
    );
    return [newest];
  }
}

function describeChange(
  commit: Commit,
  branch: string,
  repository: string,
  { project, codebase, category }: PollOptions,
  { notices, functions }: PollerMemory,
): NewChange {
  // A change without a category is better than no change, now and at every later poll.
  const categorize = (choose: (change: NewChange) => string | null, change: NewChange) => {
    try {
      return functions.call({ option: "category", about: `commit ${commit.revision}` }, () => choose(change));
    } catch (error) {
      // The commit is reported by a later poll.
      if (error instanceof OptionRests) throw error;
      notices.setIf(
        true,
        "category",
        `"category" failed on ${commit.revision}, which gets no category: ${String(error)}`,
      );
      return null;
    }
  };
  const change: NewChange = {
    author: commit.author,
    committer: commit.committer,
    comments: commit.message,
    files: commit.files,
    revision: commit.revision,
    branch,
    whenTimestamp: commit.committedAt,
    revlink: "",
    repository,
    project,
    codebase,
  };
  return { ...change, category: (typeof category === "function" ? categorize(category, change) : category) ?? null };
}
