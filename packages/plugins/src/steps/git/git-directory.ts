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
export async function restoreRepository(
  git: WorkerGit,
  { dropsIndex, isSparse }: { dropsIndex: boolean; isSparse: boolean },
): Promise<ObjectFormat | undefined> {
  if ((await git.list())?.includes(".git") !== true) return undefined;
  const names = await git.list(".git");
  // A file instead of a directory refers to a repository elsewhere, which does not belong to this build.
  if (names === undefined || !names.includes("HEAD") || !names.includes("objects")) return undefined;
  const format = await readFormat(git);
  if (format === undefined) return undefined;
  const removed = names.filter((name) => !kept.has(name) || (dropsIndex && name === "index"));
  // Holds alternates, which lead to objects elsewhere, and files that git makes again.
  await git.remove([...removed.map((name) => git.path(".git", name)), git.path(".git", "objects", "info")]);
  if (!(await initialize(git, format))) return undefined;
  if (!dropsIndex && names.includes("index") && (await hasMarkedFiles(git, ".git", isSparse)))
    await git.remove([git.path(".git", "index")]);
  return format;
}

/** The object format that the configuration names: the one value that is read of it, and no file that it includes. */
async function readFormat(git: WorkerGit): Promise<ObjectFormat | undefined> {
  const args = ["config", "--file", ".git/config", "--no-includes", "--get", "extensions.objectformat"];
  const shown = await git.try(args, { capture: true });
  const isAbsent = shown.rc === 1 && shown.failureReason === undefined;
  if (!isAbsent && !succeeded(shown)) return undefined;
  return shown.stdout.trim() === "sha256" ? "sha256" : "sha1";
}

/**
 * Whether the index of a repository below the working directory makes git skip files (skip-worktree, assume-unchanged): a
 * checkout would leave them unchanged.
 */
export async function hasMarkedFiles(git: WorkerGit, path = ".git", isSparse = false): Promise<boolean> {
  // A sparse checkout skips files by its own patterns, and the next one writes those that it should not skip.
  const marks = isSparse ? "[a-z]" : "[a-zS]";
  // Git includes a shell on every system.
  const script = `!f() { git --git-dir="$1" ls-files -v | grep -q '^${marks}'; }; f`;
  return succeeded(await git.try(["-c", `alias.has-marked=${script}`, "has-marked", path], { capture: true }));
}

/** Replaces the directory with an empty repository. */
export async function createRepository(git: WorkerGit, format: ObjectFormat): Promise<void> {
  await git.remove([git.directory]);
  if (await initialize(git, format)) return;
  const what = format === "sha256" ? ` in the format ${format}: is git older than 2.29?` : "";
  throw new GitFailed(`git init failed${what}`, "request");
}

/** Also writes a configuration that is missing. Submodules with relative URLs are found from the remote's. */
async function initialize(git: WorkerGit, format: ObjectFormat): Promise<boolean> {
  // Nothing is left there that names a program.
  git.isRestored = true;
  const flags = format === "sha256" ? ["--object-format=sha256"] : [];
  const made = await git.try(["-c", "init.defaultBranch=main", "init", "--quiet", "--template=", ...flags], {
    env: { GIT_DEFAULT_HASH: format },
  });
  git.isRestored = succeeded(made) && succeeded(await git.try(["config", "remote.origin.url", git.address]));
  return git.isRestored;
}
