import type { StepContext } from "../step-context.ts";
import { createRepository } from "../steps/git/git-directory.ts";
import { GitFailed } from "../steps/git/git-failed.ts";
import { SourceFetcher } from "../steps/git/source-fetcher.ts";
import { WorkerGit } from "../steps/git/worker-git.ts";

/** Where it is fetched to, beside the checkout, of which a stranger's build may have made anything. */
const workdir = "pipeline-base";

export interface BaseFile {
  readonly repourl: string;
  readonly branch: string;
  readonly file: string;
}

/** Reads a file of the newest commit of a branch; a text says why it cannot be read. */
export async function readBaseFile(
  ctx: StepContext,
  { repourl, branch, file }: BaseFile,
): Promise<Uint8Array | string> {
  const git = new WorkerGit(ctx, { repourl, workdir, timeout: 20 * 60_000, env: {}, config: {} });
  try {
    await createRepository(git, "sha1");
    const commit = await new SourceFetcher(git, { shallow: 1, tags: false }).fetchRef(`refs/heads/${branch}`);
    const object = `${commit}:${file}`;
    const { rc, failureReason, stdout: kind } = await git.try(["cat-file", "-t", object], { capture: true });
    if (rc !== 0 && failureReason === undefined) return `the branch ${branch} has no file ${file}`;
    if (kind.trim() !== "blob") return `${file} of the branch ${branch} is a directory: only files are read`;
    const { stdout } = await git.run(["cat-file", "blob", object], { capture: true });
    // Output of a command has this character for bytes that are not UTF-8.
    return stdout.includes("\ufffd") ? "line 1: the file is not UTF-8 text" : Buffer.from(stdout, "utf8");
  } catch (error) {
    if (error instanceof GitFailed) return error.message;
    throw error;
  }
}
