import { isPlainBranch } from "../../git/ref-names.ts";
import type { StepContext } from "../../step-context.ts";
import { CommandException } from "../../step-errors.ts";
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

/** One directory on the worker and the git commands that bring it up to date. */
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

  /** The object format of the repository that is there; undefined if there is none. */
  get format(): ObjectFormat | undefined {
    return this.#format;
  }

  /** Looks whether the directory itself is a repository that can be used, and makes it safe to use. */
  async restore(): Promise<void> {
    const { mode, method } = this.#options;
    if (mode === "full" && method === "clobber") return;
    // A build may mark files in the index as unchanged; without it each file is written again.
    this.#format = await restoreRepository(this.git, mode === "full" && method === "fresh");
  }

  async create(format: ObjectFormat): Promise<void> {
    await createRepository(this.git, format);
    this.#format = format;
  }

  /** Checks out, overwriting what was changed, on a local branch of the same name where that is possible. */
  async checkout(target: string, branch: string): Promise<void> {
    // "^0": without it git would take the branch that is called like the commit.
    await this.git.run(["checkout", "-f", "--detach", `${target}^0`, "--"]);
    if (isPlainBranch(branch)) await this.#nameBranch(target, `refs/heads/${branch}`);
    if (this.#options.submodules) await this.#updateSubmodules();
    if (this.#options.mode === "full" && this.#options.method !== "clobber") await this.#clean();
    const { stdout } = await this.git.run(["rev-parse", "HEAD"], { capture: true });
    if (stdout.trim() !== target)
      throw new GitFailed(`git has checked out ${JSON.stringify(stdout.trim().slice(0, 80))} instead of ${target}`);
  }

  /** For programs that ask which branch they build. That it cannot be named is no failure. */
  async #nameBranch(target: string, ref: string): Promise<void> {
    const update = { stdin: `update ${ref}\0${target}\0\0` };
    const args = ["update-ref", "--no-deref", "-z", "--stdin"];
    if (!succeeded(await this.git.try(args, update))) {
      // Another branch is in its way: "a" where "a/b" is to be.
      const { stdout } = await this.git.try(["for-each-ref", "--format=%(refname)", "refs/heads/"], { capture: true });
      const others = stdout.split("\n").filter((other) => other !== "" && isInWay(other, ref));
      await this.git.try(args, { stdin: others.map((other) => `delete ${other}\0\0`).join("") });
      if (!succeeded(await this.git.try(args, update))) return;
    }
    try {
      await this.git.try(["symbolic-ref", "HEAD", ref]);
    } catch (error) {
      // A worker in the C locale refuses arguments that are not ASCII.
      if (!(error instanceof CommandException)) throw error;
    }
  }

  async #updateSubmodules(): Promise<void> {
    const { shallow } = this.#options;
    await guardSubmodules(this.git, this.#format ?? "sha1");
    const depth = shallow === null ? [] : ["--depth", String(shallow)];
    await this.git.run(["submodule", "sync", "--recursive"]);
    await this.git.run(["submodule", "update", "--init", "--recursive", "--force", ...depth], { remote: true });
  }

  /** Removes what is not part of the repository; the method "fresh" ignored files as well. */
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
