import { createHash } from "node:crypto";
import { isFullHash } from "../../git/ref-names.ts";
import { GitFailed } from "./git-failed.ts";
import type { Mirror } from "./mirror.ts";
import { succeeded, type WorkerGit } from "./worker-git.ts";

export interface FetchOptions {
  /** Commits to fetch, null for all. */
  shallow: number | null;
  tags: boolean;
  /** Leaves out contents until they are needed. */
  filter?: string | undefined;
}

const branchCopies = "refs/multimaster/heads/";
const tagCopies = "refs/multimaster/tags/";

/** Fetches commits of the repository into the directory on the worker, and queries their relations. */
export class SourceFetcher {
  #git: WorkerGit;
  #options: FetchOptions;
  #mirror: Mirror | undefined;

  constructor(git: WorkerGit, options: FetchOptions, mirror?: Mirror) {
    this.#git = git;
    this.#options = options;
    this.#mirror = mirror;
  }

  /** Fetches a ref by its full name; resolves to its commit. */
  async fetchRef(ref: string, isAgain = false): Promise<string> {
    const tags = this.#options.tags ? "--tags" : "--no-tags";
    const isHere = await this.#fetchFromMirror(ref, copyOf(ref), [...this.#depth, tags], isAgain);
    if (!isHere) await this.#fetchShallow(tags, `+${ref}:${copyOf(ref)}`);
    return this.readCommit(copyOf(ref));
  }

  /** Brings the repository's tags under their own names, and removes all others. */
  async fetchTags(): Promise<void> {
    const flags = ["--prune", "--no-tags", ...this.#depth];
    if (await this.#fetchFromMirror("refs/tags/*", "refs/tags/*", flags)) return;
    await this.#fetch(flags, "+refs/tags/*:refs/tags/*");
  }

  /** Resolves to false if there is no mirror, or none that works: then the repository itself is asked. */
  async #fetchFromMirror(ref: string, to: string, flags: readonly string[], isAgain = false): Promise<boolean> {
    if (this.#mirror === undefined) return false;
    const { path } = this.#mirror;
    const name = this.#mirror.nameOf(ref);
    const updated = await this.#mirror.update(ref, isAgain);
    if (updated === "updated") {
      const end = await this.#git.try(this.#compose(flags, path), { last: `+${name}:${to}` });
      if (succeeded(end)) return true;
    }
    // If the repository itself can be reached, the mirror may be at fault.
    await this.#git.reach(this.#compose(flags), { last: `+${ref}:${to}` });
    if (updated !== "late") await this.#mirror.discardIfDamaged();
    this.#mirror = undefined;
    return true;
  }

  /** Some servers cannot send a part of the history: then all of it comes. */
  async #fetchShallow(tags: string, refspec: string): Promise<void> {
    if (this.#depth.length > 0 && !this.#git.refusesShallow) {
      const end = await this.#git.try(this.#compose([...this.#depth, tags]), { last: refspec, remote: true });
      if (succeeded(end)) return;
    }
    if (!this.#git.refusesShallow) return this.#fetch([...this.#depth, tags], refspec);
    await this.#git.note("the server cannot send a part of the history: all of it is fetched");
    await this.#fetch([tags], refspec);
  }

  get #depth(): string[] {
    const { shallow } = this.#options;
    return shallow === null ? [] : ["--depth", String(shallow)];
  }

  /** Fetches it again after some milliseconds. */
  async fetchRefAfter(delay: number, ref: string): Promise<string> {
    await this.#git.ctx.sleep(delay);
    return this.fetchRef(ref, true);
  }

  /** The commit that an object name or a full ref of the directory resolves to. */
  async readCommit(name: string): Promise<string> {
    const { stdout } = await this.#git.run(["rev-parse", "--verify", "--quiet", `${name}^{commit}`], { capture: true });
    const hash = stdout.trim();
    if (!isFullHash(hash)) throw new GitFailed(`git returned no revision but ${JSON.stringify(hash.slice(0, 80))}`);
    return hash;
  }

  async has(hash: string): Promise<boolean> {
    return succeeded(await this.#git.try(["cat-file", "-e", `${hash}^{commit}`]));
  }

  /** Fetches a commit by its name; not every server permits that. */
  async fetchCommit(hash: string): Promise<boolean> {
    await this.#git.try([...this.#compose([...this.#depth, "--no-tags"]), hash], { remote: true });
    return this.has(hash);
  }

  /** Whether a commit is on the branch whose head was fetched; deepens a shallow history as far as needed. */
  async isOnBranch(hash: string, head: string, ref: string): Promise<boolean> {
    if (hash === head) return true;
    const deeper = this.#options.shallow === null ? [] : ["--deepen=100", "--unshallow"];
    for (let at = 0; ; at += 1) {
      if ((await this.has(hash)) && (await this.#isAncestor(hash, head))) return true;
      const flag = deeper[at];
      if (flag === undefined) return false;
      // Git refuses to complete a complete history: then the answer is final.
      if (!succeeded(await this.#tryFetch([flag, "--no-tags"], `+${ref}:${copyOf(ref)}`))) return false;
    }
  }

  /** Whether any branch or tag of the repository contains the commit. */
  async isOnAnyBranch(hash: string): Promise<boolean> {
    for (const [theirs, ours] of [
      ["refs/heads/", branchCopies],
      ["refs/tags/", tagCopies],
    ] as const) {
      await this.#fetchAll(theirs, ours);
      if ((await this.has(hash)) && (await this.#isIn(hash, ours))) return true;
    }
    return false;
  }

  /** Commits of the repository's branches with this prefix. */
  async listOnBranches(prefix: string): Promise<string[]> {
    await this.#fetchAll("refs/heads/", branchCopies);
    const found: string[] = [];
    for (const hash of await this.listByPrefix(prefix)) if (await this.#isIn(hash, branchCopies)) found.push(hash);
    return found;
  }

  /** The parents recorded in the commit itself (a shallow history hides them from other commands). */
  async readParents(hash: string): Promise<string[]> {
    const { stdout } = await this.#git.run(["cat-file", "commit", hash], { capture: true });
    const header = stdout.split("\n\n", 1)[0] ?? "";
    return [...header.matchAll(/^parent ([0-9a-f]+)$/gm)].map(([, parent]) => parent as string);
  }

  /** All commits with this prefix, whatever refs are named. */
  async listByPrefix(prefix: string): Promise<string[]> {
    const { stdout } = await this.#git.run(["rev-parse", `--disambiguate=${prefix}`], { capture: true });
    const found: string[] = [];
    for (const hash of stdout.split("\n").filter(isFullHash).slice(0, 100)) {
      if (await this.has(hash)) found.push(hash);
    }
    return found;
  }

  /** Prunes refs that the repository no longer has, so that only its own remain. */
  async #fetchAll(theirs: string, ours: string): Promise<void> {
    const flags = ["--prune", "--no-tags", ...(await this.#completion())];
    if (await this.#fetchFromMirror(`${theirs}*`, `${ours}*`, flags)) return;
    await this.#fetch(flags, `+${theirs}*:${ours}*`);
  }

  async #isIn(hash: string, copies: string): Promise<boolean> {
    // A ref that points to another ref is not the repository's: a previous build created it, and no fetch removes it. Refs
    // that point directly to objects come first.
    const format = ["--count=1", "--sort=symref", "--format=%(objectname)%(symref)"];
    const { stdout } = await this.#git.run(["for-each-ref", ...format, `--contains=${hash}`, copies], {
      capture: true,
    });
    return isFullHash(stdout.trim());
  }

  async #isAncestor(hash: string, head: string): Promise<boolean> {
    return succeeded(await this.#git.try(["merge-base", "--is-ancestor", hash, head]));
  }

  async #completion(): Promise<string[]> {
    const { stdout } = await this.#git.try(["rev-parse", "--is-shallow-repository"], { capture: true });
    return stdout.trim() === "true" ? ["--unshallow"] : [];
  }

  async #fetch(flags: readonly string[], refspec: string): Promise<void> {
    await this.#git.reach(this.#compose(flags), { last: refspec });
  }

  #tryFetch(flags: readonly string[], refspec: string) {
    return this.#git.try(this.#compose(flags), { last: refspec, remote: true });
  }

  #compose(flags: readonly string[], address?: string): string[] {
    const { filter } = this.#options;
    // What a partial clone lacks comes from a remote that has a name.
    const from = filter === undefined ? this.#git.address : "origin";
    const partial = filter === undefined ? [] : [`--filter=${filter}`];
    return ["fetch", "-f", "--progress", "--no-recurse-submodules", ...partial, ...flags, "--", address ?? from];
  }
}

/** The name under which the directory keeps a ref: flat, since "a" may be deleted and "a/b" created, and names may be long. */
function copyOf(ref: string): string {
  return `refs/multimaster/${createHash("sha256").update(ref).digest("hex").slice(0, 40)}`;
}
