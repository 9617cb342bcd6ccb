import { posix } from "node:path";
import { isPlainBranch } from "../../git/ref-names.ts";
import type { StepContext } from "../../step-context.ts";
import { createRepository, type ObjectFormat, restoreRepository } from "./git-directory.ts";
import { GitFailed } from "./git-failed.ts";
import { mergeInto } from "./merge-into.ts";
import { guardSubmodules } from "./submodule-guard.ts";
import { succeeded, WorkerGit, type WorkerGitOptions } from "./worker-git.ts";

export interface GitWorkspaceOptions extends WorkerGitOptions {
  mode: "incremental" | "full";
  method: "clean" | "fresh" | "clobber" | "copy";
  submodules: boolean;
  remoteSubmodules: boolean;
  shallow: number | null;
  filter?: string | undefined;
  sparse?: readonly string[] | undefined;
  lfs: boolean;
}

/** What is to be checked out. */
export interface Checkout {
  readonly target: string;
  readonly branch: string;
  /** The head of the branch into which the target is merged, if it is. */
  readonly base?: { readonly name: string; readonly head: string } | undefined;
}

/** A directory on the worker and the git commands that update it. */
export class GitWorkspace {
  readonly git: WorkerGit;
  #options: GitWorkspaceOptions;
  #format: ObjectFormat | undefined;

  constructor(ctx: StepContext, options: GitWorkspaceOptions) {
    const isCopied = options.method === "copy";
    this.git = new WorkerGit(ctx, {
      ...options,
      workdir: isCopied ? posix.join("source", options.workdir) : options.workdir,
    });
    this.#options = options;
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
    const dropsIndex = mode === "full" && (method === "fresh" || method === "copy");
    this.#format = await restoreRepository(this.git, { dropsIndex, isSparse: this.#options.sparse !== undefined });
    if (this.#format !== undefined) await this.#configure();
  }

  async create(format: ObjectFormat): Promise<void> {
    await createRepository(this.git, format);
    this.#format = format;
    await this.#configure();
  }

  /** Settings of a partial clone and of a sparse checkout, which no build may have written. */
  async #configure(): Promise<void> {
    const { filter, sparse } = this.#options;
    if (filter !== undefined) {
      await this.git.run(["config", "remote.origin.promisor", "true"]);
      await this.git.run(["config", "remote.origin.partialCloneFilter", filter]);
    }
    if (sparse === undefined) return;
    await this.git.run(["config", "core.sparseCheckout", "true"]);
    await this.git.run(["config", "core.sparseCheckoutCone", "true"]);
    await this.git.write([".git", "info", "sparse-checkout"], Buffer.from(listCone(sparse)));
  }

  /** Checks out, overwriting changes, on a local branch of the same name if possible. */
  async checkout({ target, branch, base }: Checkout): Promise<void> {
    const { filter, lfs } = this.#options;
    const first = base?.head ?? target;
    // "^0": without it git would prefer a branch with the name of the commit.
    const remote = lfs || filter !== undefined;
    await this.git.run(["checkout", "-f", "--detach", `${first}^0`, "--"], { remote });
    if (base !== undefined) await mergeInto(this.git, base.name, target);
    else if (isPlainBranch(branch)) await this.#nameBranch(target, `refs/heads/${branch}`);
    // Files that an earlier build left as they were before this option.
    if (lfs) await this.git.run(["lfs", "pull"], { remote });
    if (this.#options.submodules) await this.#updateSubmodules();
    if (this.#options.mode === "full" && this.#options.method !== "clobber") await this.#clean();
    const got = (await this.git.run(["rev-parse", "HEAD"], { capture: true })).stdout.trim();
    if (base === undefined && got !== target)
      throw new GitFailed(`git has checked out ${JSON.stringify(got.slice(0, 80))} instead of ${target}`);
  }

  /** With the method "copy", replaces the build's directory by a copy of this one. */
  async publish(): Promise<void> {
    if (this.#options.method !== "copy") return;
    const { ctx } = this.git;
    const to = ctx.path(this.#options.workdir);
    await this.git.remove([to]);
    const end = await ctx.command("cpdir", { from_path: this.git.directory, to_path: to, timeout: null });
    if (end.rc !== 0) throw new GitFailed(`the sources could not be copied to ${to}`, "request");
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
    const { shallow, remoteSubmodules } = this.#options;
    await guardSubmodules(this.git, this.#format ?? "sha1");
    const depth = shallow === null ? [] : ["--depth", String(shallow)];
    await this.git.run(["submodule", "sync", "--recursive"]);
    const newest = remoteSubmodules ? ["--remote"] : [];
    const flags = ["--init", "--recursive", "--force", ...newest, ...depth];
    await this.git.run(["submodule", "update", ...flags], { remote: true });
  }

  /** Removes files that are not part of the repository; with the method "fresh" also ignored files. */
  async #clean(): Promise<void> {
    const flags = this.#options.method === "clean" ? ["-d", "-f", "-f"] : ["-d", "-f", "-f", "-x"];
    await this.git.run(["clean", ...flags]);
    if (this.#options.submodules)
      await this.git.run(["submodule", "foreach", "--recursive", `git clean ${flags.join(" ")}`]);
  }
}

/** Patterns of a sparse checkout in cone mode: each directory, and the files beside and above it. */
function listCone(directories: readonly string[]): string {
  const whole = new Set(directories.map((path) => `/${path.split("/").filter(Boolean).join("/")}/`));
  const above = new Set(
    [...whole].flatMap((path) => {
      const parts = path.split("/").slice(1, -2);
      return parts.map((_, at) => `/${parts.slice(0, at + 1).join("/")}/`);
    }),
  );
  const partly = [...above].filter((path) => !whole.has(path)).toSorted();
  const lines = [...["/*", "!/*/"], ...partly.flatMap((path) => [path, `!${path}*/`]), ...[...whole].toSorted()];
  return `${lines.join("\n")}\n`;
}

function isInWay(other: string, ref: string): boolean {
  return other.startsWith(`${ref}/`) || ref.startsWith(`${other}/`);
}
