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
    const { stdout } = await git.run(["cat-file", "blob", `${commit}:${file}`], { capture: true });
    return Buffer.from(stdout, "utf8");
  } catch (error) {
    if (error instanceof GitFailed) return error.message;
    throw error;
  }
}
