import { GitFailed } from "./git-failed.ts";
import type { GitOptions } from "./git-options.ts";
import { succeeded, type WorkerGit } from "./worker-git.ts";

type Version = readonly [major: number, minor: number];

/** What each option needs of the worker's git, with the first version that has it. */
const needs: readonly [what: string, isUsed: (options: GitOptions) => boolean, version: Version][] = [
  ["an SSH key", ({ sshPrivateKey, sshKnownHosts }) => (sshPrivateKey ?? sshKnownHosts) !== undefined, [2, 3]],
  ["filter", ({ filter }) => filter !== undefined, [2, 24]],
  ["sparse", ({ sparse }) => sparse !== undefined, [2, 25]],
  ["verify", ({ verify }) => verify !== undefined, [2, 34]],
];

/** Fails in a sentence if git, or a version of it that has all that the options use, is missing on the worker. */
export async function checkGit(git: WorkerGit, options: GitOptions, isKnown: boolean): Promise<void> {
  const used = needs.filter(([, isUsed]) => isUsed(options));
  const { name } = git.ctx.worker;
  if (!isKnown || used.length > 0) {
    const end = await git.try(["--version"], { capture: true });
    if (!succeeded(end)) throw new GitFailed(`git cannot be run on worker ${name}`, "request");
    const [found = "", major = 0, minor = 0] = /(\d+)\.(\d+)\S*/.exec(end.stdout) ?? [];
    for (const [what, , needed] of used) {
      if (Number(major) > needed[0] || (Number(major) === needed[0] && Number(minor) >= needed[1])) continue;
      throw new GitFailed(`${what} needs git ${needed.join(".")}; worker ${name} has ${found || "another"}`, "request");
    }
  }
  if (options.lfs && !succeeded(await git.try(["lfs", "version"])))
    throw new GitFailed(`lfs needs git-lfs on worker ${name}`, "request");
}
