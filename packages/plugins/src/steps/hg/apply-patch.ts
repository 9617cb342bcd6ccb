import type { BuildPatch } from "../../step-context.ts";
import { hasSucceeded, SourceFailed, type WorkerProgram } from "../source/worker-program.ts";

/**
 * Applies a difference to what is checked out, without a commit. Files that it adds are marked as added, so that the next build
 * finds and removes them. Mercurial refuses names outside the repository.
 */
export async function applyHgPatch(hg: WorkerProgram, patch: BuildPatch): Promise<void> {
  const { level, subdir, author } = patch;
  const body = await hg.ctx.readPatch(patch);
  await hg.note(`applying a patch of ${body.length} bytes by ${author}`);
  const prefix = subdir ? ["--prefix", subdir] : [];
  const args = ["import", "--no-commit", "--strip", String(level), ...prefix];
  const file = hg.path(".hg", "multimaster.patch");
  const end = await hg.withFile(file, body, () => hg.try([...args, "--", file]));
  if (!hasSucceeded(end)) throw new SourceFailed("the patch does not apply to what is checked out; the log says where");
}
