import { posix } from "node:path";
import type { CommandEnd, StepContext } from "../../step-context.ts";
import { svnArguments } from "../../svn/svn-url.ts";
import { findAll, parseXml, textOf } from "../../xml-elements.ts";
import { hasSucceeded, SourceFailed, WorkerProgram } from "../source/worker-program.ts";
import type { SvnOptions } from "./svn-options.ts";

export interface SvnTarget {
  readonly url: string;
  /** A number, or HEAD. */
  readonly revision: string;
}

/** A working copy on the worker. */
export class SvnWorkspace {
  readonly svn: WorkerProgram;
  readonly #options: SvnOptions;

  constructor(ctx: StepContext, options: SvnOptions) {
    const isApart = options.method === "copy" || options.method === "export";
    this.#options = options;
    this.svn = new WorkerProgram(ctx, "svn", options, {
      environment: {},
      workdir: isApart ? posix.join("source", options.workdir) : options.workdir,
    });
    if (options.credentials !== undefined) ctx.hide(options.credentials.password, "credentials");
  }

  /** Brings the working copy to the target, whatever the previous build did; resolves to its revision. */
  async update(target: SvnTarget): Promise<string> {
    const { mode, method, credentials } = this.#options;
    const [major, minor] = await this.svn.readVersion();
    if (credentials !== undefined && (major < 1 || (major === 1 && minor < 10)))
      throw new SourceFailed(
        `credentials need Subversion 1.10; worker ${this.svn.ctx.worker.name} has ${major}.${minor}`,
      );
    const isKept = mode !== "full" || method !== "clobber";
    if (!isKept || !(await this.#updateExisting(target))) await this.#checkOut(target);
    return this.#readRevision(target);
  }

  /** With the methods "copy" and "export", replaces the build's directory. */
  async publish(): Promise<void> {
    const { method, workdir } = this.#options;
    if (method !== "copy" && method !== "export") return;
    const { ctx } = this.svn;
    const to = ctx.path(workdir);
    await this.svn.remove([to]);
    if (method === "export") return void (await this.svn.run(["export", "--quiet", ...this.#flags, "--", "./", to]));
    const end = await ctx.command("cpdir", { from_path: this.svn.path(), to_path: to, timeout: null });
    if (end.rc !== 0) throw new SourceFailed(`the sources could not be copied to ${to}`);
  }

  /** Resolves to false if there is no working copy of this repository, or none that svn can use. */
  async #updateExisting(target: SvnTarget): Promise<boolean> {
    if ((await this.svn.list())?.includes(".svn") !== true) return false;
    const found = findAll(parseXml((await this.#try(["info", "--xml", "--", "."])).stdout), "entry")[0];
    const [root] = findAll(found, "repository").map((element) => textOf(element, "root"));
    const url = textOf(found, "url");
    if (url === undefined || root === undefined || !`${target.url}/`.startsWith(`${root}/`)) return false;
    // A build that was killed leaves locks; one with a patch leaves changes.
    if (!hasSucceeded(await this.#try(["cleanup"]))) return false;
    if (!(await this.#clean())) return false;
    const flags = [...this.#flags, "--revision", target.revision];
    const same = url === target.url;
    const args = same
      ? ["update", "--accept", "theirs-full", ...flags, "--", "."]
      : [
          "switch",
          "--ignore-ancestry",
          "--accept",
          "theirs-full",
          ...flags,
          "--",
          `${target.url}@${target.revision}`,
          ".",
        ];
    if (hasSucceeded(await this.#ask(args))) return true;
    // Only if the repository answers and has the target, the directory is at fault.
    await this.svn.reach(() => this.#ask(["info", "--", `${target.url}@${target.revision}`]), "info");
    await this.svn.note("the directory cannot be updated; it is removed and checked out again");
    return false;
  }

  async #checkOut(target: SvnTarget): Promise<void> {
    const flags = [...this.#flags, "--depth", this.#options.depth, "--revision", target.revision];
    await this.svn.reach(async () => {
      await this.svn.remove([this.svn.path()]);
      return this.#ask(["checkout", ...flags, "--", `${target.url}@${target.revision}`, "."]);
    }, "checkout");
  }

  /** Takes changes back, and removes what the mode says; resolves to false if svn fails. */
  async #clean(): Promise<boolean> {
    const { mode, method } = this.#options;
    const status = await this.#try(["status", "--xml", "--no-ignore", "--ignore-externals", "--", "."]);
    const document = parseXml(status.stdout);
    if (!hasSucceeded(status) || document === undefined) return false;
    const isRemoved = (item: string | undefined) =>
      item === "added" ||
      item === "obstructed" ||
      (mode === "full" && (item === "unversioned" || (item === "ignored" && method !== "clean")));
    const entries = findAll(document, "entry").map((entry) => ({
      path: entry.attributes["path"] ?? "",
      item: entry.children.find(({ name }) => name === "wc-status")?.attributes["item"],
    }));
    if (entries.some(({ item }) => item !== "unversioned" && item !== "ignored" && item !== "external"))
      if (!hasSucceeded(await this.#try(["revert", "--recursive", "--quiet", "--", "."]))) return false;
    const paths = entries.filter(({ path, item }) => isRemoved(item) && path !== "." && path !== "");
    await this.svn.remove(paths.map(({ path }) => this.svn.path(path)));
    return true;
  }

  async #readRevision({ revision }: SvnTarget): Promise<string> {
    const document = parseXml(await this.svn.run(["info", "--xml", "--", "."], { capture: true }));
    const entry = findAll(document, "entry")[0];
    const got = entry?.attributes["revision"];
    if (got === undefined || !/^\d+$/.test(got)) throw new SourceFailed("svn info names no revision");
    if (revision !== "HEAD" && Number(got) !== Number(revision))
      throw new SourceFailed(`svn has checked out revision ${got} instead of ${revision}`);
    const last = findAll(entry, "commit")[0]?.attributes["revision"];
    return this.#options.preferLastChangedRev && last !== undefined ? last : got;
  }

  get #flags(): string[] {
    const { credentials, externals = credentials === undefined } = this.#options;
    return externals ? [] : ["--ignore-externals"];
  }

  #try(args: readonly string[]): Promise<CommandEnd> {
    return this.svn.try([...svnArguments(undefined), ...args], { capture: true });
  }

  /** A command that contacts the repository. */
  #ask(args: readonly string[]): Promise<CommandEnd> {
    const { credentials } = this.#options;
    const stdin = credentials === undefined ? {} : { stdin: `${credentials.password}\n` };
    return this.svn.try([...svnArguments(credentials), ...args], stdin);
  }
}
