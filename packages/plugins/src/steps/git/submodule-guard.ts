import { createHash } from "node:crypto";
import { posix } from "node:path";
import { hasMarkedFiles, type ObjectFormat } from "./git-directory.ts";
import { succeeded, type WorkerGit } from "./worker-git.ts";

/** Maximum number of submodule repositories that are checked; a working directory with more is removed. */
const maxModules = 500;
const maxDepth = 10;

/** The names that a repository of a submodule may contain. */
const allowedNames = new Set([
  ...["HEAD", "config", "objects", "refs", "packed-refs", "shallow", "index", "logs", "modules", "lfs"],
  ...["FETCH_HEAD", "ORIG_HEAD", "hooks", "description", "branches", "info", "gc.log"],
]);

/** The settings that git itself writes there. None of them names a program. */
const allowedSettings =
  /^(core\.(repositoryformatversion|filemode|bare|logallrefupdates|worktree|symlinks|ignorecase|precomposeunicode)|extensions\.objectformat|remote\.origin\.(url|fetch|tagopt)|branch\..*\.(remote|merge)|submodule\..*\.(url|active)|submodule\.active|lfs\.repositoryformatversion)$/s;

interface Module {
  /** Below the working directory, such as .git/modules/lib. */
  readonly path: string;
  /** The directory of its files. */
  readonly worktree: string;
}

/**
 * Removes what a previous build could have left in submodule repositories for git to run: repositories with settings that
 * git does not write by itself, and every ".git" below the working directory that does not refer to one of the others. It
 * also removes an index that would make git skip files.
 */
export async function guardSubmodules(git: WorkerGit, format: ObjectFormat): Promise<void> {
  const modules: Module[] = [];
  const sound = await listModules(git, ".git/modules", 0, modules);
  if (!sound) {
    await git.note("the submodules' repositories contain settings that git does not write: they are removed");
    await git.remove([git.path(".git", "modules")]);
  }
  const expected = new Map(
    (sound ? modules : []).map(({ path, worktree }) => [
      posix.join(worktree, ".git"),
      hashBlob(`gitdir: ${posix.relative(worktree, path)}\n`, format),
    ]),
  );
  const links = await listLinks(git);
  const hashes = await hashFiles(
    git,
    links.filter((link) => expected.has(link)),
  );
  await git.remove(
    links
      .filter((link) => hashes.get(link) !== expected.get(link) || !expected.has(link))
      .map((link) => git.path(link)),
  );
}

/** Resolves to false if one of them is not as git creates it. */
async function listModules(git: WorkerGit, path: string, depth: number, found: Module[]): Promise<boolean> {
  const names = await git.list(...path.split("/"));
  if (names === undefined) return true;
  if (depth > maxDepth || found.length > maxModules) return false;
  if (!names.includes("HEAD") || !names.includes("objects")) {
    // Names of submodules may contain slashes.
    for (const name of names) if (!(await listModules(git, `${path}/${name}`, depth + 1, found))) return false;
    return true;
  }
  if (names.some((name) => !allowedNames.has(name))) return false;
  const worktree = await readWorktree(git, path);
  if (worktree === undefined) return false;
  found.push({ path, worktree });
  const isIndexSpoilt = names.includes("index") && (await hasMarkedFiles(git, path));
  const removed = ["hooks", "info", "objects/info", ...(isIndexSpoilt ? ["index"] : [])];
  await git.remove(removed.map((name) => git.path(path, name)));
  return !names.includes("modules") || listModules(git, `${path}/modules`, depth + 1, found);
}

async function readWorktree(git: WorkerGit, path: string): Promise<string | undefined> {
  const listed = await git.try(["config", "--file", `${path}/config`, "--no-includes", "--null", "--list"], {
    capture: true,
  });
  if (!succeeded(listed)) return undefined;
  let worktree: string | undefined;
  for (const entry of listed.stdout.split("\0").filter((text) => text !== "")) {
    const end = entry.indexOf("\n");
    const key = end === -1 ? entry : entry.slice(0, end);
    if (!allowedSettings.test(key)) return undefined;
    if (key === "core.worktree") worktree = posix.join(path, entry.slice(end + 1));
  }
  const isWithin =
    worktree !== undefined && worktree !== "." && !worktree.startsWith("..") && !worktree.startsWith("/");
  return isWithin ? worktree : undefined;
}

/** Every file or directory called .git below the working directory, except its own. */
async function listLinks(git: WorkerGit): Promise<string[]> {
  // Git includes a shell on every system.
  const script = "!find . -path ./.git -prune -o -name .git -print -prune";
  const { stdout } = await git.run(["-c", `alias.list-links=${script}`, "list-links"], { capture: true });
  return stdout.split("\n").flatMap((line) => (line.startsWith("./") && line.endsWith("/.git") ? [line.slice(2)] : []));
}

async function hashFiles(git: WorkerGit, paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const hashes = new Map<string, string>();
  for (const path of paths) {
    const end = await git.try(["hash-object", "--no-filters", "--", path], { capture: true });
    if (succeeded(end)) hashes.set(path, end.stdout.trim());
  }
  return hashes;
}

function hashBlob(text: string, format: ObjectFormat): string {
  return createHash(format)
    .update(`blob ${Buffer.byteLength(text)}\0${text}`)
    .digest("hex");
}
