import { createHash } from "node:crypto";
import { posix, win32 } from "node:path";
import type { ObjectFormat } from "./git-directory.ts";
import { GitFailed } from "./git-failed.ts";
import { succeeded, type WorkerGit } from "./worker-git.ts";

/** The return code of the script on a worker without `flock`. */
const noLock = 91;

/**
 * Updates the bare repository, one build after the other: the lock is the kernel's, and every process of the update has it, so
 * it ends with the last of them. What a killed update left is removed before the next, and so is what names a program.
 */
const script = [
  "!f() { d=$1; shift; unset GIT_DIR GIT_WORK_TREE GIT_PREFIX;",
  `command -v flock >/dev/null || exit ${noLock};`,
  'mkdir -p "$(dirname "$d")" && exec 9>"$d.lock" && flock 9 || exit 1;',
  'test ! -d "$d" || find "$d" -name "*.lock" -type f -exec rm -f {} +;',
  'rm -rf "$d/config" "$d/hooks" "$d/info" "$d/objects/info" "$d/commondir" "$d"/objects/pack/tmp_*;',
  'git init --quiet --bare --template= "$d" && git --git-dir="$d" fetch -f --progress --no-tags --no-recurse-submodules "$@"; }; f',
].join(" ");

/** What git itself says of it, without the repository: the lock keeps it from reading what a fetch has half written. */
const checkScript =
  '!f() { unset GIT_DIR GIT_WORK_TREE GIT_PREFIX; exec 9>"$1.lock" && flock 9 && git --git-dir="$1" fsck --connectivity-only --no-dangling --no-progress; }; f';

const discardScript = '!f() { exec 9>"$1.lock" && flock 9 && rm -rf "$1"; }; f';

/** A bare copy of the repository on the worker, which its builds share: each commit comes over the network once. */
export class Mirror {
  /** Absolute on the worker. */
  readonly path: string;
  #git: WorkerGit;
  #format: ObjectFormat;
  #fetched = new Set<string>();

  constructor(git: WorkerGit, format: ObjectFormat) {
    this.#git = git;
    this.#format = format;
    const { worker, builddir } = git.ctx;
    const hash = createHash("sha256").update(git.address).digest("hex").slice(0, 32);
    // Builds of a fork's code share one among themselves.
    const kind = builddir.endsWith("~forks") ? "~forks" : "";
    const { join } = worker.system === "nt" ? win32 : posix;
    this.path = join(worker.basedir, ".git-mirrors", `${hash}${kind}`);
  }

  /** The name under which it has a ref of the repository. */
  nameOf(ref: string): string {
    if (/^refs\/(heads|tags)\//.test(ref)) return ref;
    return `refs/wanted/${createHash("sha256").update(ref).digest("hex").slice(0, 40)}`;
  }

  /**
   * Brings all branches and tags, and this ref. "late": it took too long, such as while another build fills it, which says
   * nothing against what is there.
   */
  async update(ref: string, isAgain = false): Promise<"updated" | "failed" | "late"> {
    const isAlways = /^refs\/(heads|tags)\//.test(ref) && this.#fetched.size > 0;
    if (!isAgain && (isAlways || this.#fetched.has(ref))) return "updated";
    const heads = ["--prune", "--", this.#git.address, "+refs/heads/*:refs/heads/*"];
    const tags = "+refs/tags/*:refs/tags/*";
    const name = this.nameOf(ref);
    const words = ["-c", `alias.update-mirror=${script}`, "update-mirror", this.path];
    const end = await this.#git.try(name === ref ? [...words, ...heads] : [...words, ...heads, tags], {
      last: name === ref ? tags : `+${ref}:${name}`,
      remote: true,
      env: { GIT_DEFAULT_HASH: this.#format },
    });
    if (end.rc === noLock)
      throw new GitFailed(`mirror needs the program flock on worker ${this.#git.ctx.worker.name}`, "request");
    if (end.failureReason !== undefined) return "late";
    if (!succeeded(end)) return "failed";
    this.#fetched.add(ref);
    return "updated";
  }

  /** Removes it if git says that it is damaged: the next build makes another. A network that failed for a moment is no damage. */
  async discardIfDamaged(): Promise<void> {
    const end = await this.#git.try(["-c", `alias.check-mirror=${checkScript}`, "check-mirror", this.path]);
    if (succeeded(end) || end.failureReason !== undefined) return;
    await this.#git.note("the worker's mirror of the repository is damaged: it is removed");
    await this.#git.try(["-c", `alias.discard-mirror=${discardScript}`, "discard-mirror", this.path]);
  }
}
