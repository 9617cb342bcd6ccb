import type { BuildPatch } from "../../step-context.ts";
import { GitFailed } from "./git-failed.ts";
import { succeeded, type WorkerGit } from "./worker-git.ts";

/** In git's own directory, which this step has made or checked: no file of the sources has this name, and git cleans nothing there. */
const place = ".git/multimaster.patch";

/**
 * Applies a difference to what is checked out. It goes into the index as well, so that the next checkout removes the files that
 * it adds. Git refuses names outside the directory, below links, and in `.git`.
 */
export async function applyPatch(git: WorkerGit, patch: BuildPatch): Promise<void> {
  const { level, subdir, author } = patch;
  const body = await git.ctx.readPatch(patch);
  await git.note(`applying a patch of ${body.length} bytes by ${author}`);
  const path = git.path(...place.split("/"));
  await git.write(place.split("/"), body);
  const args = ["--whitespace=nowarn", `-p${level}`, place];
  const last = subdir ? { last: `--directory=${subdir}` } : {};
  // Only a check of the files sees links that an earlier build has left; with --index git looks into the index alone.
  const isApplied =
    succeeded(await git.try(["apply", "--check", ...args], last)) &&
    succeeded(await git.try(["apply", "--index", ...args], last));
  await git.remove([path]);
  if (!isApplied) throw new GitFailed("the patch does not apply to what is checked out; the log says where", "request");
}
