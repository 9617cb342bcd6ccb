import { createHash } from "node:crypto";
import { composeHgAuth, hgEnvironment, hgrcPath, quoteHg } from "../../hg/hg-names.ts";
import { inPrivateDirectory } from "../../source/private-directory.ts";
import type { CommandEnd, StepContext } from "../../step-context.ts";
import { joinSvnUrl } from "../../svn/svn-url.ts";
import { hasSucceeded, SourceFailed, type WorkerCall, WorkerProgram } from "../source/worker-program.ts";
import type { HgOptions } from "./hg-options.ts";

export interface HgTarget {
  readonly branch: string;
  /** A hash, or the beginning of one. */
  readonly revision: string | undefined;
  /** The build names the branch: its revision must be there. */
  readonly isAsked: boolean;
}

/** Files that lead to programs or to another repository; a build may have written them. */
const foreign = ["hgrc", "hgrc-not-shared", "sharedpath", "shared", "cache", "wlock", "store/lock"];

/** Characters of output after which more may have been cut off. */
const longList = 1024 * 1024;

const settingsVariable = "MULTIMASTER_HGRC";
const authScript = [
  inPrivateDirectory,
  `printf '%s\\n' "$${settingsVariable}" > "$d/hgrc"; unset ${settingsVariable};`,
  `HGRCPATH="${hgrcPath("$d/hgrc")}" hg "$@"`,
].join(" ");

/** A Mercurial repository on the worker. */
export class HgWorkspace {
  readonly hg: WorkerProgram;
  readonly #options: HgOptions;

  constructor(ctx: StepContext, options: HgOptions) {
    this.#options = options;
    this.hg = new WorkerProgram(ctx, "hg", options, { environment: hgEnvironment, workdir: options.workdir });
    if (options.credentials !== undefined) ctx.hide(options.credentials.password, "credentials");
  }

  /** Brings the directory to the target, whatever the previous build did; resolves to its revision. */
  async update(target: HgTarget): Promise<string> {
    const { repourl, branchType, mode, method, credentials } = this.#options;
    const { ctx } = this.hg;
    if (credentials !== undefined && ctx.worker.system === "nt")
      throw new SourceFailed(`credentials need a shell, which worker ${ctx.worker.name} with Windows has not`);
    const url = branchType === "dirname" ? joinSvnUrl(repourl, target.branch) : repourl;
    const isKept = mode !== "full" || method !== "clobber";
    if (!isKept || !(await this.#pull(url))) await this.#clone(url);
    const node = await this.#find(target);
    await this.#clean();
    await this.hg.run(["update", "--clean", "--rev", node]);
    return node;
  }

  /** Resolves to false if there is no repository that can be used. */
  async #pull(url: string): Promise<boolean> {
    if ((await this.hg.list())?.includes(".hg") !== true) return false;
    const names = (await this.hg.list(".hg")) ?? [];
    if (!names.includes("store")) return false;
    await this.hg.remove(foreign.map((name) => this.hg.path(".hg", ...name.split("/"))));
    if (!names.includes(nameOf(url))) return false;
    const end = await this.#remote(["pull", "--", url]);
    // A transaction that was cut off has to be taken back first.
    if (!hasSucceeded(end) && hasSucceeded(await this.hg.try(["recover"])))
      return hasSucceeded(await this.#remote(["pull", "--", url]));
    if (hasSucceeded(end)) return true;
    // Only if the repository answers, the directory is at fault.
    await this.hg.reach(() => this.#remote(["identify", "--id", "--", url], { workdir: "." }), "identify");
    await this.hg.note("the directory cannot be updated; it is removed and cloned again");
    return false;
  }

  async #clone(url: string): Promise<void> {
    await this.hg.readVersion();
    await this.hg.reach(async () => {
      await this.hg.remove([this.hg.path()]);
      return this.#remote(["clone", "--noupdate", "--", url, "."]);
    }, "clone");
    const end = await this.hg.ctx.command("mkdir", { paths: [this.hg.path(".hg", nameOf(url))] });
    if (end.rc !== 0) throw new SourceFailed(`the directory ${this.hg.path()} cannot be written`);
    await this.hg.remove([this.hg.path(".hg", "hgrc")]);
  }

  async #find({ branch, revision, isAsked }: HgTarget): Promise<string> {
    const name = quoteHg(this.#options.branchType === "dirname" ? "default" : branch);
    if (revision === undefined) {
      const newest = (await this.#ask(`max(branch(${name}))`)) ?? (await this.#ask(`bookmark(${name})`));
      if (newest !== undefined) return newest.node;
      throw new SourceFailed(`the repository has no branch ${branch}`);
    }
    const found = await this.#ask(`id(${revision.toLowerCase()})`);
    if (found === undefined) throw new SourceFailed(`the repository has no revision ${revision}`);
    const isThere =
      !isAsked ||
      this.#options.branchType === "dirname" ||
      found.branch === branch ||
      (await this.#ask(`${found.node} and ancestors(bookmark(${name}))`)) !== undefined;
    if (!isThere) throw new SourceFailed(`the revision ${revision} is not on branch ${branch}`);
    return found.node;
  }

  /** The first revision that the expression means, with its branch; undefined if it means none. */
  async #ask(expression: string): Promise<{ node: string; branch: string } | undefined> {
    const end = await this.hg.try(["log", "--rev", expression, "--limit", "1", "--template", "{node} {branch}\n"], {
      capture: true,
    });
    // Forty times "f" is the working directory itself.
    const [, node, branch] = /^(?!f{40})([0-9a-f]{40}) (.+)$/m.exec(end.stdout) ?? [];
    return hasSucceeded(end) && node !== undefined && branch !== undefined ? { node, branch } : undefined;
  }

  /** Removes what a patch has added, and what the mode says. */
  async #clean(): Promise<void> {
    const { mode, method } = this.#options;
    const kinds = mode === "full" ? ["--unknown", ...(method === "clean" ? [] : ["--ignored"])] : [];
    const args = ["status", "--added", ...kinds, "--no-status", "--print0"];
    for (let isWhole = false; !isWhole; ) {
      const listed = await this.hg.run(args, { capture: true });
      // Of a very long list only the beginning is kept, which may end within a name.
      const end = listed.lastIndexOf("\0") + 1;
      isWhole = listed.length < longList;
      const paths = listed
        .slice(0, end)
        .split("\0")
        .filter((path) => path !== "");
      await this.hg.remove(paths.map((path) => this.hg.path(path)));
    }
  }

  /** A command that contacts the repository. */
  #remote(args: readonly string[], call: WorkerCall = {}): Promise<CommandEnd> {
    const { credentials, repourl, workdir } = this.#options;
    if (credentials === undefined) return this.hg.try(args, call);
    const { ctx } = this.hg;
    const name = createHash("sha256").update(`${ctx.builddir}\n${workdir}`).digest("hex").slice(0, 16);
    const words = ["sh", "-c", authScript, "sh", ctx.path("..", `.hg-${name}`)];
    const env = { [settingsVariable]: composeHgAuth(repourl, credentials) };
    return this.hg.try(args, { ...call, env }, words);
  }
}

/** A directory of this name in `.hg` says which repository was cloned: changesets of another one must not count as its own. */
function nameOf(url: string): string {
  return `multimaster-${createHash("sha256").update(url).digest("hex").slice(0, 16)}`;
}
