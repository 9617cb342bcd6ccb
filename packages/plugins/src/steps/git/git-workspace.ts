import { isPlainBranch } from "../../git/ref-names.ts";
import type { StepContext } from "../../step-context.ts";
import { createRepository, type ObjectFormat, restoreRepository } from "./git-directory.ts";
import { GitFailed } from "./git-failed.ts";
import { guardSubmodules } from "./submodule-guard.ts";
import { succeeded, WorkerGit, type WorkerGitOptions } from "./worker-git.ts";

export interface GitWorkspaceOptions extends WorkerGitOptions {
  mode: "incremental" | "full";
  method: "clean" | "fresh" | "clobber";
  submodules: boolean;
  shallow: number | null;
}

/** A directory on the worker and the git commands that update it. */
export class GitWorkspace {
  readonly git: WorkerGit;
  #options: GitWorkspaceOptions;
  #format: ObjectFormat | undefined;

  constructor(ctx: StepContext, options: GitWorkspaceOptions) {
    this.git = new WorkerGit(ctx, options);
    this.#options = options;
  }

  async checkInstalled(): Promise<void> {
    if (succeeded(await this.git.try(["--version"], { capture: true }))) return;
    throw new GitFailed(`git cannot be run on worker ${this.git.ctx.worker.name}`, "request");
  }

  /** The object format of the existing repository; undefined if there is none. */
  get format(): ObjectFormat | undefined {
    return this.#format;
  }

  /** Checks whether the directory itself is a usable repository, and makes it safe. */
  async restore(): Promise<void> {
    const { mode, method } = this.#options;
    if (mode === "full" && method === "clobber") return;
    // A build may mark files in the index as unchanged; without an index, git writes each file again.
    this.#format = await restoreRepository(this.git, mode === "full" && method === "fresh");
  }

  async create(format: ObjectFormat): Promise<void> {
    await createRepository(this.git, format);
    this.#format = format;
  }

  /** Checks out, overwriting changes, on a local branch of the same name if possible. */
  async checkout(target: string, branch: string): Promise<void> {
    // "^0": without it git would prefer a branch with the name of the commit.
    await this.git.run(["checkout", "-f", "--detach", `${target}^0`, "--"]);
    if (isPlainBranch(branch)) await this.#nameBranch(target, `refs/heads/${branch}`);
    if (this.#options.submodules) await this.#updateSubmodules();
    if (this.#options.mode === "full" && this.#options.method !== "clobber") await this.#clean();
    const { stdout } = await this.git.run(["rev-parse", "HEAD"], { capture: true });
    if (stdout.trim() !== target)
      throw new GitFailed(`git has checked out ${JSON.stringify(stdout.trim().slice(0, 80))} instead of ${target}`);
  }

  /** Names the branch for programs that query it. That it cannot be named is not a failure. */
  async #nameBranch(target: string, ref: string): Promise<void> {
    const update = { stdin: `update ${ref}\0${target}\0\0` };
    const args = ["update-ref", "--no-deref", "-z", "--stdin"];
    if (!succeeded(await this.git.try(args, update))) {
      // A conflicting branch exists: "a" where "a/b" is needed.
      const { stdout } = await this.git.try(["for-each-ref", "--format=%(refname)", "refs/heads/"], { capture: true });
      const others = stdout.split("\n").filter((other) => other !== "" && isInWay(other, ref));
      await this.git.try(args, { stdin: others.map((other) => `delete ${other}\0\0`).join("") });
      if (!succeeded(await this.git.try(args, update))) return;
    }
    await this.git.try(["symbolic-ref", "HEAD"], { last: ref });
  }

  async #updateSubmodules(): Promise<void> {
    const { shallow } = this.#options;
    await guardSubmodules(this.git, this.#format ?? "sha1");
    const depth = shallow === null ? [] : ["--depth", String(shallow)];
    await this.git.run(["submodule", "sync", "--recursive"]);
    await this.git.run(["submodule", "update", "--init", "--recursive", "--force", ...depth], { remote: true });
  }

  /** Removes files that are not part of the repository; with the method "fresh" also ignored files. */
  async #clean(): Promise<void> {
    const flags = this.#options.method === "fresh" ? ["-d", "-f", "-f", "-x"] : ["-d", "-f", "-f"];
    await this.git.run(["clean", ...flags]);
    if (this.#options.submodules)
      await this.git.run(["submodule", "foreach", "--recursive", `git clean ${flags.join(" ")}`]);
  }
}

function isInWay(other: string, ref: string): boolean {
  return other.startsWith(`${ref}/`) || ref.startsWith(`${other}/`);
}
