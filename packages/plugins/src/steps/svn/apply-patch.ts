import type { BuildPatch } from "../../step-context.ts";
import { hasSucceeded, SourceFailed, type WorkerProgram } from "../source/worker-program.ts";

/**
 * Applies a difference to the working copy. Files that it adds are scheduled for addition, so that the next build finds and
 * removes them. Subversion passes by names outside the working copy, and says so.
 */
export async function applySvnPatch(svn: WorkerProgram, patch: BuildPatch): Promise<void> {
  const { level, subdir, author } = patch;
  const body = await svn.ctx.readPatch(patch);
  await svn.note(`applying a patch of ${body.length} bytes by ${author}`);
  const refuse = () => new SourceFailed("the patch does not apply to what is checked out; the log says where");
  const parts = (subdir ?? "").split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw refuse();
  const file = svn.path(".svn", "multimaster.patch");
  const args = ["patch", "--strip", String(level), "--", file, ["."].concat(parts).join("/")];
  const end = await svn.withFile(file, body, () => svn.try(args, { capture: true }));
  // Its code is 0 also where nothing or not all applies.
  const lines = end.stdout.split("\n");
  const isWhole = !lines.some((line) => /^(C|Skipped|>\s+rejected|Summary of conflicts)/.test(line));
  if (!hasSucceeded(end) || !isWhole || !lines.some((line) => /^[AUDG][ UG]* /.test(line))) throw refuse();
}
