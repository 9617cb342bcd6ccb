import { isPlainBranch, listCandidates } from "../../git/ref-names.ts";
import { GitFailed } from "./git-failed.ts";
import type { RemoteRefs } from "./remote-refs.ts";
import type { SourceFetcher } from "./source-fetcher.ts";
import { succeeded, type WorkerGit } from "./worker-git.ts";

/** Maximum number of files in conflict that the reason names. */
const maxNamed = 5;

/** Fetches the branch into which a revision is to be merged; resolves to its head. */
export async function fetchBase(base: string, refs: RemoteRefs, source: SourceFetcher): Promise<string> {
  const ref = listCandidates(base).find((candidate) => refs.find(candidate) !== undefined);
  if (ref !== undefined) return source.fetchRef(ref);
  throw new GitFailed(
    `the repository has no ${isPlainBranch(base) ? `branch ${base}` : base} to merge into`,
    "request",
  );
}

/**
 * Merges the commit into what is checked out, as a commit that is the same on each worker. It is on no branch, and is not
 * pushed.
 */
export async function mergeInto(git: WorkerGit, base: string, target: string): Promise<void> {
  const { stdout } = await git.run(["log", "-1", "--format=%ct", target], { capture: true });
  const date = `${stdout.trim()} +0000`;
  const identity = { NAME: "Multimaster", EMAIL: "multimaster@localhost", DATE: date };
  const env = Object.fromEntries(
    Object.entries(identity).flatMap(([field, value]) => [
      [`GIT_AUTHOR_${field}`, value],
      [`GIT_COMMITTER_${field}`, value],
    ]),
  );
  const own = ["commit.gpgSign=false", "rerere.enabled=false", "merge.verifySignatures=false", "merge.log=false"];
  const settings = own.flatMap((setting) => ["-c", setting]);
  const message = `Merge ${target} for a build`;
  const merge = () =>
    git.try([...settings, "merge", "--no-ff", "--no-edit", "--no-stat", "-m", message, target], { env, remote: true });
  if (succeeded(await merge())) return;
  let conflicts = await listConflicts(git);
  if (conflicts.length === 0) {
    // A file that an earlier build left may be in the way of one that the merge adds.
    await git.run(["reset", "--hard", "--quiet"]);
    await git.run(["clean", "-d", "-f", "-f", "-x", "--quiet"]);
    if (succeeded(await merge())) return;
    conflicts = await listConflicts(git);
  }
  await git.try(["reset", "--hard", "--quiet"]);
  const where = isPlainBranch(base) ? `branch ${base}` : base;
  if (conflicts.length === 0)
    throw new GitFailed(`${target} cannot be merged into ${where}; the log says why`, "request");
  const rest = conflicts.length > maxNamed ? ` and ${conflicts.length - maxNamed} more` : "";
  throw new GitFailed(
    `${target.slice(0, 10)} conflicts with ${where} in ${conflicts.slice(0, maxNamed).join(", ")}${rest}`,
    "request",
  );
}

async function listConflicts(git: WorkerGit): Promise<string[]> {
  const { stdout } = await git.try(["diff", "--name-only", "--diff-filter=U", "--no-ext-diff"], { capture: true });
  return [...new Set(stdout.split("\n").filter((line) => line !== ""))];
}
