import { setImmediate } from "node:timers/promises";
import type { NewChange } from "@multimaster/data";
import type { ChangeSourceContext } from "../../define-change-source.ts";
import { type OptionFunctions, OptionRests } from "../../option-functions.ts";
import { ProgramFailed } from "../../run-program.ts";
import { linkCommit } from "../../source/commit-link.ts";
import { cutReports, limitFiles } from "../../source/poller-options.ts";
import type { SplitFile } from "./split-file.ts";
import { readLog, readNewest, readPrefix, type SvnAccess, type SvnRevision } from "./svn-log.ts";

export interface SvnPollOptions extends SvnAccess {
  readonly split: SplitFile;
  readonly functions: OptionFunctions;
  readonly buildOnFirstRun: boolean;
  readonly project: string;
  readonly codebase: string;
  readonly category: string | null;
  readonly revlink?: string | undefined;
}

/** The number of the last revision that is reported. */
const state = "last_change";
/** Revisions that one command lists. */
const listed = 500;

/** Reports the revisions since the last poll, by whichever master: changes and progress are saved together. */
export async function pollSvn(ctx: ChangeSourceContext, options: SvnPollOptions, signal: AbortSignal): Promise<void> {
  const saved = await ctx.getState(state);
  const newest = await readNewest(options, signal);
  if (typeof saved !== "number") {
    const first = options.buildOnFirstRun && newest > 0 ? newest - 1 : newest;
    // Recorded first: what comes after it is new, whichever master polls.
    if ((await ctx.addChanges([], { name: state, value: first })) === "lost" || first === newest) return;
  }
  let last = typeof saved === "number" ? saved : newest - 1;
  if (last > newest)
    throw new ProgramFailed(
      "failed",
      `its newest revision is ${newest}, and ${last} was reported: was it restored from a backup?`,
    );
  if (last === newest) return;
  const prefix = await readPrefix(options, signal);
  while (last < newest && !signal.aborted) {
    const revisions = await listNext(ctx, options, `${last + 1}:${newest}`, prefix, signal);
    if (revisions.length === 0) return;
    const reports = revisions.map((revision) => ({
      revision: revision.revision,
      changes: describe(ctx, revision, prefix, options),
    }));
    for (const part of cutReports(reports)) {
      const value = part.at(-1)?.revision ?? last;
      const changes = part.flatMap((report) => report.changes);
      if ((await ctx.addChanges(changes, { name: state, value })) === "lost") return;
      last = value;
      await setImmediate();
    }
  }
}

/** The next revisions: fewer where they touch so many paths that svn writes more than is kept. */
async function listNext(
  ctx: ChangeSourceContext,
  options: SvnPollOptions,
  range: string,
  prefix: string,
  signal: AbortSignal,
): Promise<readonly SvnRevision[]> {
  for (let count = listed; ; count = Math.ceil(count / 10)) {
    try {
      return await readLog(options, range, count, signal);
    } catch (error) {
      if (!(error instanceof ProgramFailed) || error.kind !== "output") throw error;
      if (count > 1) continue;
      const [next] = await readLog(options, range, 1, signal, false);
      if (next === undefined) return [];
      ctx.log.warn(
        { changeSource: ctx.name, revision: next.revision },
        `revision ${next.revision} touches more paths than can be listed: it counts as one of the directory itself`,
      );
      return [{ ...next, paths: [{ path: prefix.slice(0, -1), isDeleted: false }] }];
    }
  }
}

/** One change for each branch that the revision touches. */
function describe(
  ctx: ChangeSourceContext,
  { revision, author, message, at, paths }: SvnRevision,
  prefix: string,
  options: SvnPollOptions,
): NewChange[] {
  const touched = new Map<string, { branch: string | null; project: string; codebase: string; files: string[] }>();
  const whole = new Set<string>();
  for (const { path, isDeleted } of paths) {
    const inside = `${path}/`.startsWith(prefix) ? path.slice(prefix.length) : undefined;
    const where = inside === undefined ? undefined : splitSafely(ctx, options, inside, revision);
    if (where === null || where === undefined) continue;
    const { branch, project = options.project, codebase = options.codebase } = where;
    const key = JSON.stringify([branch, project, codebase]);
    // A branch that is removed as a whole has nothing to build.
    if (isDeleted && where.path === "" && branch !== null) whole.add(key);
    const group = touched.get(key) ?? { branch, project, codebase, files: [] };
    if (where.path !== "") group.files.push(where.path);
    touched.set(key, group);
  }
  return [...touched]
    .filter(([key]) => !whole.has(key))
    .map(([, { files, ...group }]) => ({
      author,
      comments: message,
      files: limitFiles(files),
      revision: String(revision),
      ...(at === undefined ? {} : { whenTimestamp: at }),
      category: options.category,
      revlink: linkCommit(options.repository, String(revision), options.revlink),
      repository: options.repository,
      ...group,
    }));
}

/** The config's own function must not stop the poller: a file that it fails on is of no branch. */
function splitSafely(
  ctx: ChangeSourceContext,
  { split, functions }: SvnPollOptions,
  path: string,
  revision: number,
): ReturnType<SplitFile> {
  try {
    return functions.call({ option: "splitFile", about: `revision ${revision}` }, () => split(path));
  } catch (error) {
    if (error instanceof OptionRests) throw error;
    ctx.log.warn({ changeSource: ctx.name, path, err: error }, '"splitFile" failed; the file counts for no branch');
    return { branch: null, path };
  }
}
