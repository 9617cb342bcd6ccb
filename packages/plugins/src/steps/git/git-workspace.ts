import type { CommandEnd, StepContext } from "../../step-context.ts";

/** A git command failed, or git cannot be used; the message says which and how. */
export class GitFailed extends Error {
  override name = "GitFailed";
  readonly timedOut: boolean;

  constructor(message: string, timedOut = false) {
    super(message);
    this.timedOut = timedOut;
  }
}

export interface GitWorkspaceOptions {
  repourl: string;
  workdir: string;
  method: "clean" | "fresh" | "clobber";
  submodules: boolean;
  /** Commits to fetch, null for all. */
  shallow: number | null;
  tags: boolean;
  retry?: { delay: number; times: number } | undefined;
  /** Milliseconds. */
  timeout: number | null;
  env: Readonly<Record<string, string | null>>;
  config: Readonly<Record<string, string>>;
}

/** One directory on the worker and the git commands that bring it up to date. */
export class GitWorkspace {
  #ctx: StepContext;
  #options: GitWorkspaceOptions;

  constructor(ctx: StepContext, options: GitWorkspaceOptions) {
    this.#ctx = ctx;
    this.#options = options;
  }

  async checkInstalled(): Promise<void> {
    const end = await this.#try(["--version"], { capture: true });
    if (end.rc !== 0) throw new GitFailed(`git cannot be run on worker ${this.#ctx.worker.name}`);
  }

  /** Whether the directory itself is a repository that git can read; one around it does not count. */
  async isRepository(): Promise<boolean> {
    const listing = await this.#ctx.command("listdir", { path: this.#directory }, { log: null });
    if (listing.rc !== 0 || !listing.files.includes(".git")) return false;
    return (await this.#try(["rev-parse", "--git-dir"], { capture: true })).rc === 0;
  }

  /** Makes an empty repository where the directory was. */
  async create(): Promise<void> {
    const removal = await this.#ctx.command("rmdir", {
      paths: [this.#directory],
      logEnviron: false,
      timeout: this.#timeout,
    });
    if (removal.rc !== 0) throw new GitFailed(`the directory ${this.#directory} cannot be removed`);
    await this.#run(["init", "--quiet"]);
  }

  /** Submodules with relative URLs are found from it. */
  async setOrigin(): Promise<void> {
    await this.#run(["config", "remote.origin.url", this.#options.repourl]);
  }

  async has(revision: string): Promise<boolean> {
    return (await this.#try(["cat-file", "-e", `${revision}^{commit}`])).rc === 0;
  }

  /** Whether the far end answers and has the branch: then a failure was the directory's. */
  async canReach(branch: string): Promise<boolean> {
    return (await this.#try(["ls-remote", "--exit-code", this.#options.repourl, branch], { capture: true })).rc === 0;
  }

  /** Fetches the branch, and the revision if that is not part of what came. FETCH_HEAD is the branch's head. */
  async fetch(branch: string, revision: string | undefined): Promise<void> {
    const { shallow, repourl } = this.#options;
    const depth = shallow === null ? [] : ["--depth", String(shallow)];
    const tags = this.#options.tags ? ["--tags"] : [];
    await this.#fetchWithRetry(["fetch", "-f", "--progress", ...depth, ...tags, repourl, branch]);
    if (revision === undefined || (await this.has(revision))) return;
    // The revision has left the branch, or lies deeper than was fetched. Not every server gives single commits.
    await this.#try(["fetch", "-f", "--progress", ...depth, repourl, revision]);
    if (await this.has(revision)) return;
    const deeper = shallow === null ? [] : ["--unshallow"];
    await this.#try(["fetch", "-f", "--progress", ...deeper, repourl, "+refs/heads/*:refs/remotes/origin/*"]);
    if (!(await this.has(revision))) throw new GitFailed(`the repository has no revision ${revision}`);
  }

  /** Checks out, overwriting what was changed, on a local branch of the same name where that is possible. */
  async checkout(target: string, branch: string): Promise<void> {
    const isPlain = branch !== "HEAD" && !branch.startsWith("refs/");
    await this.#run(["checkout", "-f", ...(isPlain ? ["-B", branch] : ["--detach"]), target, "--"]);
  }

  async updateSubmodules(): Promise<void> {
    const { shallow } = this.#options;
    await this.#run(["submodule", "sync", "--recursive"]);
    await this.#run([
      "submodule",
      "update",
      "--init",
      "--recursive",
      "--force",
      ...(shallow === null ? [] : ["--depth", String(shallow)]),
    ]);
  }

  /** Removes what is not part of the repository; the method "fresh" ignored files as well. */
  async clean(): Promise<void> {
    const flags = this.#options.method === "fresh" ? ["-d", "-f", "-f", "-x"] : ["-d", "-f", "-f"];
    await this.#run(["clean", ...flags]);
    if (this.#options.submodules) {
      await this.#run(["submodule", "foreach", "--recursive", `git clean ${flags.join(" ")}`]);
    }
  }

  async currentRevision(): Promise<string> {
    const end = await this.#run(["rev-parse", "HEAD"], { capture: true });
    const revision = end.stdout.trim();
    if (!/^[0-9a-f]{40,64}$/.test(revision))
      throw new GitFailed(`git told no revision but ${JSON.stringify(revision.slice(0, 80))}`);
    return revision;
  }

  /** A line in the step's log. */
  async note(text: string): Promise<void> {
    await (await this.#ctx.log("stdio")).write(`${text}\n`, "header");
  }

  async #fetchWithRetry(args: readonly string[]): Promise<void> {
    const { retry = { delay: 0, times: 0 } } = this.#options;
    for (let left = retry.times; ; left -= 1) {
      const end = await this.#try(args);
      if (end.rc === 0 && end.failureReason === undefined) return;
      if (left <= 0) throw describeFailure(args, end);
      await this.note(`git fetch failed; it is tried again in ${retry.delay / 1000} s (${left} more)`);
      await this.#ctx.sleep(retry.delay);
    }
  }

  async #run(args: readonly string[], options: { capture?: boolean } = {}): Promise<CommandEnd> {
    const end = await this.#try(args, options);
    if (end.rc !== 0 || end.failureReason !== undefined) throw describeFailure(args, end);
    return end;
  }

  #try(args: readonly string[], options: { capture?: boolean } = {}): Promise<CommandEnd> {
    const settings = Object.entries(this.#options.config).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    return this.#ctx.shell(
      {
        command: ["git", ...settings, ...args],
        workdir: this.#options.workdir,
        env: {
          // No question may wait for an answer, and no repository but the one in this directory may be touched.
          GIT_TERMINAL_PROMPT: "0",
          GIT_CEILING_DIRECTORIES: this.#ctx.path(this.#options.workdir, ".."),
          GIT_DIR: null,
          GIT_WORK_TREE: null,
          GIT_INDEX_FILE: null,
          ...this.#options.env,
        },
        timeout: this.#timeout,
        sigtermTime: 1,
        logEnviron: false,
      },
      options,
    );
  }

  get #directory(): string {
    return this.#ctx.path(this.#options.workdir);
  }

  get #timeout(): number | null {
    return this.#options.timeout === null ? null : this.#options.timeout / 1000;
  }
}

function describeFailure(args: readonly string[], end: CommandEnd): GitFailed {
  const timedOut = end.failureReason !== undefined;
  return new GitFailed(`git ${args[0]} ${timedOut ? "timed out" : "failed"}`, timedOut);
}
