import { join } from "node:path";
import { duration } from "@multimaster/core";
import type { NewChange } from "@multimaster/data";
import { z } from "zod";
import { type ChangeSourceContext, defineChangeSource } from "../define-change-source.ts";
import { startLooking } from "../running.ts";
import type { Commit } from "./git-poller/commit.ts";
import { GitFailed, type GitOptions, runGit } from "./git-poller/git-command.ts";
import { type LocalCopy, openLocalCopy } from "./git-poller/local-copy.ts";
import { hideCredentials, parseRepository } from "./git-poller/repository-url.ts";

const predicate = <F extends (...args: never[]) => unknown>(of: string) =>
  z.custom<F>((value) => typeof value === "function", { message: `must be a function of ${of}` });

const options = z.strictObject({
  repository: z
    .string()
    .min(1)
    .describe("URL or path, as git takes it; credentials better come through the environment."),
  branches: z
    .union([
      z.array(z.string().min(1)).min(1),
      z.literal(true),
      predicate<(branch: string) => boolean>("the branch's name"),
    ])
    .optional()
    .describe("Names, true for all, or a function of the name; absent: the repository's own default branch."),
  pollInterval: duration.pipe(z.number().min(100, "must be at least 100ms")).prefault("1m"),
  pollAtStart: z.boolean().default(true).describe("False: the first poll is one interval after the start."),
  buildOnFirstRun: z
    .boolean()
    .default(false)
    .describe("The first poll ever makes a change of each branch's head, instead of only noting it."),
  buildPushesWithNoCommits: z
    .boolean()
    .default(false)
    .describe("A branch that is new or moved, without a commit that is new, makes a change of its head."),
  name: z.string().min(1).max(128).optional().describe("Unique in the cluster; made from the repository when absent."),
  workdir: z.string().optional().describe("Where the local copy is kept; below the master's state when absent."),
  project: z.string().default(""),
  codebase: z.string().default(""),
  category: z.union([z.string(), predicate<(change: NewChange) => string | null>("the change")]).optional(),
  env: z.record(z.string(), z.string()).default({}).describe("Added to git's environment, such as GIT_SSH_COMMAND."),
  timeout: duration
    .prefault("30m")
    .describe("A git command that takes longer is ended; the first fetch of a large repository is the longest."),
});

type Options = z.output<typeof options>;

/** Looks for new commits in a git repository; each becomes a change, once, whichever master polls. */
export default defineChangeSource({
  type: "git-poller",
  className: "GitPoller",
  options,
  nameOf,
  async start(ctx, options) {
    const repository = parseRepository(options.repository, ctx.configDirectory);
    return startLooking(ctx, {
      pollMs: options.pollInterval,
      atStart: options.pollAtStart,
      async look(signal) {
        try {
          await poll(ctx, options, repository, { env: options.env, timeoutMs: options.timeout, signal });
        } catch (error) {
          if (!(error instanceof GitFailed)) throw error;
          if (!signal.aborted)
            ctx.log.warn({ changeSource: ctx.name }, `cannot poll ${repository.public}: ${error.message}`);
        }
        return undefined;
      },
    });
  },
});

function nameOf({ name, repository }: Options): string {
  return name ?? `GitPoller:${hideCredentials(repository)}`;
}

/** Revisions by branch, as saved. */
type Heads = Readonly<Record<string, string>>;

async function poll(
  ctx: ChangeSourceContext,
  options: Options,
  repository: { private: string; public: string },
  git: GitOptions,
) {
  const remote = await listBranches(repository.private, options, git);
  const saved = (await ctx.getState("lastRev")) as Heads | null | undefined;
  const known = saved ?? {};
  const gone = Object.keys(known).filter((branch) => !remote.has(branch));
  const moved = [...remote].filter(([branch, revision]) => known[branch] !== revision).map(([branch]) => branch);
  if (saved && gone.length === 0 && moved.length === 0) return;

  let heads: Heads = Object.fromEntries(Object.entries(known).filter(([branch]) => remote.has(branch)));
  const copy = openLocalCopy(options.workdir ?? join(ctx.directory, "git"), repository.private, git);
  if (!saved && !options.buildOnFirstRun) {
    const noted = await ctx.addChanges([], { name: "lastRev", value: Object.fromEntries(remote) });
    // Fetched after that: what is pushed while a large repository comes in is new. Having it all now, a branch that is
    // rewritten later can be compared with what it was.
    if (noted !== "lost" && remote.size > 0) await copy.fetch([...remote.keys()]);
    return;
  }
  if (moved.length === 0) {
    await ctx.addChanges([], { name: "lastRev", value: heads });
    return copy.forget(gone);
  }
  // A branch may have moved on, or gone, since it was listed: what was fetched counts.
  const fetched = await copy.fetch([...remote.keys()]);
  const excluded = new Set(Object.values(known));
  let found = 0;
  // Branches that are known come first: commits that are also on a new branch belong to them.
  for (const branch of moved.toSorted((a, b) => Number(b in known) - Number(a in known))) {
    const head = fetched.get(branch);
    if (head === undefined || head === known[branch]) continue;
    const revisions = saved
      ? await listNew(ctx, copy, options, { branch, head, before: known[branch] }, [...excluded])
      : [head];
    const changes = (await copy.describe(revisions)).map((commit) =>
      describeChange(commit, branch, repository.public, options),
    );
    heads = { ...heads, [branch]: head };
    excluded.add(head);
    // Branch by branch: a poll that is cut short goes on with the next branch.
    if ((await ctx.addChanges(changes, { name: "lastRev", value: heads })) === "lost") return;
    found += changes.length;
  }
  if (found > 0)
    ctx.log.info(
      { changeSource: ctx.name, changes: found },
      `found ${found} new ${found === 1 ? "commit" : "commits"} in ${repository.public}`,
    );
  await copy.forget(gone);
}

/** The branches to follow with their revisions, the default branch first. */
async function listBranches(repository: string, { branches }: Options, git: GitOptions): Promise<Map<string, string>> {
  const listed = await runGit(["ls-remote", "--symref", "--", repository, "HEAD", "refs/heads/*"], git);
  const refs = new Map<string, string>();
  let main: string | undefined;
  for (const line of listed.split("\n")) {
    const [value = "", ref = ""] = line.split("\t");
    if (value.startsWith("ref: refs/heads/") && ref === "HEAD") main = value.slice("ref: refs/heads/".length);
    // The column holds 255 characters.
    else if (ref.startsWith("refs/heads/") && ref.length <= 255 + "refs/heads/".length)
      refs.set(ref.slice("refs/heads/".length), value);
    else if (ref === "HEAD") refs.set("HEAD", value);
  }
  const detached = refs.get("HEAD");
  refs.delete("HEAD");
  if (branches === undefined) {
    const revision = main === undefined ? detached : refs.get(main);
    // A checkout of no branch, as CI services make them, is followed by that name; git fetches it like a branch.
    return new Map(revision === undefined ? [] : [[main ?? "HEAD", revision]]);
  }
  const wanted = [...refs].filter(
    ([branch]) => branches === true || (Array.isArray(branches) ? branches.includes(branch) : branches(branch)),
  );
  return new Map(wanted.toSorted(([a], [b]) => Number(b === main) - Number(a === main)));
}

async function listNew(
  ctx: ChangeSourceContext,
  copy: LocalCopy,
  options: Options,
  { branch, head, before }: { branch: string; head: string; before: string | undefined },
  known: readonly string[],
): Promise<string[]> {
  // Without anything to compare with, the whole history would seem new.
  if (known.length === 0) return [head];
  if (before !== undefined && !(await copy.has(before))) {
    ctx.log.warn(
      { changeSource: ctx.name, branch },
      `${branch} was rewritten and its former head is gone: only its newest commit is reported`,
    );
    return [head];
  }
  const revisions = await copy.listCommits(head, known);
  return revisions.length === 0 && options.buildPushesWithNoCommits ? [head] : revisions;
}

function describeChange(
  commit: Commit,
  branch: string,
  repository: string,
  { project, codebase, category }: Options,
): NewChange {
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
  return { ...change, category: (typeof category === "function" ? category(change) : category) ?? null };
}
