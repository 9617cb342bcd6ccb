import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { NewChange } from "@multimaster/data";
import { z } from "zod";
import type { ChangeSourceContext } from "../../define-change-source.ts";
import { isHgName, quoteHg } from "../../hg/hg-names.ts";
import { linkCommit } from "../../source/commit-link.ts";
import { cutReports, limitFiles } from "../../source/poller-options.ts";
import { type HgAccess, type HgChangeset, LocalClone } from "./local-clone.ts";

export interface HgPollOptions extends HgAccess {
  readonly branches: readonly string[] | true;
  readonly buildOnFirstRun: boolean;
  readonly project: string;
  readonly codebase: string;
  readonly category: string | null;
  readonly revlink?: string | undefined;
  readonly workdir?: string | undefined;
}

const state = "lastRev";
/** By branch, the reported changesets from which all other reported ones can be reached. */
const tipsShape = z.record(z.string(), z.array(z.string().regex(/^[0-9a-f]{40}$/)));
type Tips = z.output<typeof tipsShape>;

/** Tips of a branch that are saved as they are. */
const mostTips = 20;
/** Changesets that one command describes. */
const described = 200;

/** Reports the changesets since the last poll, by whichever master: changes and progress are saved together. */
export async function pollHg(ctx: ChangeSourceContext, options: HgPollOptions, signal: AbortSignal): Promise<void> {
  const saved = tipsShape.safeParse(await ctx.getState(state));
  const clone = new LocalClone(options.workdir ?? join(ctx.directory, "hg"), options, signal);
  await clone.pull();
  const there = (await clone.listBranches()).filter(isHgName);
  const branches = there.filter((branch) => options.branches === true || options.branches.includes(branch));
  if (!saved.success) return begin(ctx, clone, options, branches);
  let tips: Tips = saved.data;
  const known = [...new Set(Object.values(tips).flat())];
  const added = branches.filter((branch) => tips[branch] === undefined);
  if (added.length > 0) {
    // A new branch begins where it left what is known. That is saved first: a merge of it may be reported before it.
    tips = { ...tips, ...Object.fromEntries(added.map((branch) => [branch, known])) };
    if ((await ctx.addChanges([], { name: state, value: tips })) === "lost") return;
  }
  for (const branch of branches) {
    if (signal.aborted) return;
    const next = await reportBranch(ctx, clone, options, branch, tips);
    if (next === "lost") return;
    tips = next;
  }
}

/** The very first poll: what is there counts as reported. */
async function begin(
  ctx: ChangeSourceContext,
  clone: LocalClone,
  options: HgPollOptions,
  branches: readonly string[],
): Promise<void> {
  const tips: Tips = {};
  const changes: NewChange[] = [];
  for (const branch of branches) {
    tips[branch] = await listHeads(clone, branch);
    if (!options.buildOnFirstRun) continue;
    const newest = await clone.describe(await clone.list(`max(branch(${quoteHg(branch)}))`));
    for (const changeset of newest) changes.push(toChange(changeset, branch, options));
  }
  await ctx.addChanges(changes, { name: state, value: tips });
}

const listHeads = (clone: LocalClone, branch: string) => clone.list(`heads(branch(${quoteHg(branch)}))`);

/** Adds a change for each new changeset of a branch, in transactions of bounded size, each with the progress. */
async function reportBranch(
  ctx: ChangeSourceContext,
  clone: LocalClone,
  options: HgPollOptions,
  branch: string,
  before: Tips,
): Promise<Tips | "lost"> {
  const name = `branch(${quoteHg(branch)})`;
  const known = before[branch] ?? [];
  const present = known.map((node) => `present(${node})`).join(" or ");
  const listed = known.length > 0 ? await clone.list(`(${name} - ancestors(${present})) or ${present}`) : [];
  const isKnown = new Set(known);
  const nodes = listed.filter((node) => !isKnown.has(node));
  // None of what is known is there any more.
  if (nodes.length === listed.length) return reportNewest(ctx, clone, options, branch, before);
  let tips = before;
  for (let from = 0; from < nodes.length; from += described) {
    const changesets = await clone.describe(nodes.slice(from, from + described));
    const reports = changesets.map((changeset) => ({ changeset, changes: [toChange(changeset, branch, options)] }));
    for (const part of cutReports(reports)) {
      const own = new Set(tips[branch]);
      for (const { changeset } of part) {
        for (const parent of changeset.parents) own.delete(parent);
        own.add(changeset.node);
      }
      tips = { ...tips, [branch]: [...own] };
      const changes = part.flatMap((report) => report.changes);
      if ((await ctx.addChanges(changes, { name: state, value: tips })) === "lost") return "lost";
      await setImmediate();
    }
  }
  if (nodes.length > 0 && (tips[branch]?.length ?? 0) > mostTips) {
    // A branch that was new began with the tips of all others. All of it is reported now: its own heads say the same.
    tips = { ...tips, [branch]: await listHeads(clone, branch) };
    if ((await ctx.addChanges([], { name: state, value: tips })) === "lost") return "lost";
  }
  if (nodes.length > 0)
    ctx.log.info({ changeSource: ctx.name, branch, changes: nodes.length }, `found ${nodes.length} new changesets`);
  return tips;
}

/** There is nothing to compare with: of a whole history only the newest changeset is reported. */
async function reportNewest(
  ctx: ChangeSourceContext,
  clone: LocalClone,
  options: HgPollOptions,
  branch: string,
  before: Tips,
): Promise<Tips | "lost"> {
  if ((before[branch] ?? []).length > 0)
    ctx.log.warn(
      { changeSource: ctx.name, branch },
      `${branch} was rewritten and its former heads are gone: only its newest changeset is reported`,
    );
  const tips = { ...before, [branch]: await listHeads(clone, branch) };
  const newest = await clone.describe(await clone.list(`max(branch(${quoteHg(branch)}))`));
  const changes = newest.map((changeset) => toChange(changeset, branch, options));
  return (await ctx.addChanges(changes, { name: state, value: tips })) === "lost" ? "lost" : tips;
}

function toChange(changeset: HgChangeset, branch: string, options: HgPollOptions): NewChange {
  const { repository, project, codebase, category } = options;
  // A repository at such an address is served with pages for people.
  const pages = /^https?:\/\//.test(repository) ? `${repository}/rev/{revision}` : undefined;
  const known = linkCommit(repository, changeset.node, options.revlink);
  return {
    author: changeset.author || "unknown",
    comments: changeset.message,
    files: limitFiles(changeset.files),
    revision: changeset.node,
    branch,
    whenTimestamp: changeset.at,
    category,
    revlink: known === "" && pages !== undefined ? linkCommit(repository, changeset.node, pages) : known,
    repository,
    project,
    codebase,
  };
}
