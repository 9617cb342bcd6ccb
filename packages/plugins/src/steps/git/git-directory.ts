import { GitFailed } from "./git-failed.ts";
import { succeeded, type WorkerGit } from "./worker-git.ts";

export type ObjectFormat = "sha1" | "sha256";

/**
 * The parts of a repository that are kept between builds. They are only data and name no program. Git does not verify existing
 * objects again: an object that a build forged under `objects` stays until `clobber` or another directory removes it.
 */
const kept = new Set([
  ...["HEAD", "objects", "refs", "packed-refs", "shallow", "index", "logs", "modules", "lfs"],
  ...["FETCH_HEAD", "ORIG_HEAD"],
]);

/**
 * Makes the repository left by the previous build usable, whatever that build has done to it: it rewrites the configuration
 * and removes hooks, attributes, grafts, alternates and stale locks. Resolves to the object format, or to undefined if there
 * is no repository.
 */
export async function restoreRepository(git: WorkerGit, dropIndex: boolean): Promise<ObjectFormat | undefined> {
  if ((await git.list())?.includes(".git") !== true) return undefined;
  const names = await git.list(".git");
  // A file instead of a directory refers to a repository elsewhere, which does not belong to this build.
  if (names === undefined || !names.includes("HEAD") || !names.includes("objects")) return undefined;
  const shown = await git.try(["rev-parse", "--show-object-format"], { capture: true });
  if (!succeeded(shown)) return undefined;
  const format = shown.stdout.trim() === "sha256" ? "sha256" : "sha1";
  const isIndexSpoilt = dropIndex || (names.includes("index") && (await hasMarkedFiles(git)));
  const removed = names.filter((name) => !kept.has(name) || (isIndexSpoilt && name === "index"));
  // Contains alternates, which refer to objects elsewhere, and files that git creates again.
  const paths = [...removed.map((name) => git.path(".git", name)), git.path(".git", "objects", "info")];
  await git.remove(paths);
  return succeeded(await initialize(git, format)) ? format : undefined;
}

/**
 * Whether the index of a repository below the working directory makes git skip files (skip-worktree, assume-unchanged): a
 * checkout would leave them unchanged.
 */
export async function hasMarkedFiles(git: WorkerGit, path = ".git"): Promise<boolean> {
  // Git includes a shell on every system.
  const script = `!f() { git --git-dir="$1" ls-files -v | grep -q '^[a-zS]'; }; f`;
  return succeeded(await git.try(["-c", `alias.has-marked=${script}`, "has-marked", path], { capture: true }));
}

/** Replaces the directory with an empty repository. */
export async function createRepository(git: WorkerGit, format: ObjectFormat): Promise<void> {
  await git.remove([git.directory]);
  if (succeeded(await initialize(git, format))) return;
  const what = format === "sha256" ? ` in the format ${format}: is git older than 2.29?` : "";
  throw new GitFailed(`git init failed${what}`, "request");
}

/** Also writes a missing configuration. Relative URLs of submodules are resolved against the remote's URL. */
async function initialize(git: WorkerGit, format: ObjectFormat) {
  const flags = format === "sha256" ? ["--object-format=sha256"] : [];
  const end = await git.try(["-c", "init.defaultBranch=main", "init", "--quiet", "--template=", ...flags], {
    env: { GIT_DEFAULT_HASH: format },
  });
  return succeeded(end) ? git.try(["config", "remote.origin.url", git.address]) : end;
}
