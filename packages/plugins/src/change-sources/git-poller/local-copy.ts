import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Commit, LogReader, logFormat } from "./commit.ts";
import { type GitCall, GitFailed, type GitOptions, runGit } from "./git-command.ts";

/** Branches that were fetched, and why others failed. */
export interface Fetched {
  readonly heads: ReadonlyMap<string, string>;
  readonly failed: ReadonlyMap<string, string>;
}

/** A commit and its parents. */
export interface CommitLine {
  readonly revision: string;
  readonly parents: readonly string[];
}

export interface LocalCopy {
  /** Fetches the branches. One that cannot be fetched does not prevent the others. */
  fetch(branches: readonly string[]): Promise<Fetched>;
  /** Whether the commit is here or can be fetched. */
  has(revision: string): Promise<boolean>;
  /** Commits of `head` that none of `known` contains, oldest first. Known commits that are not here exclude nothing. */
  listCommits(head: string, known: readonly string[]): Promise<CommitLine[]>;
  describe(revisions: readonly string[]): Promise<Commit[]>;
  /** Removes branches that no longer exist. */
  forget(branches: readonly string[]): Promise<void>;
}

/** How often a failed fetch is retried with fewer branches. */
const maxAttempts = 200;

/**
 * A bare repository that belongs to one poller on one master. All of its content can be fetched again, so a damaged one is
 * removed.
 */
export function openLocalCopy(
  { directory: base, repository, hashLength }: { directory: string; repository: string; hashLength: number },
  options: GitOptions,
): LocalCopy {
  const isLong = hashLength === 64;
  const directory = isLong ? `${base}-sha256` : base;

  const git = async (args: readonly string[], call?: GitCall) => {
    try {
      return await runGit([`--git-dir=${directory}`, ...settings, ...args], options, call);
    } catch (error) {
      if (error instanceof GitFailed && isDamage(error.stderr)) await rm(directory, { recursive: true, force: true });
      throw error;
    }
  };
  const readLines = async (args: readonly string[], call?: GitCall) =>
    (await git(args, call))
      .toString("utf8")
      .split("\n")
      .filter((line) => line !== "");

  async function prepare(): Promise<void> {
    if (existsSync(join(directory, "HEAD"))) return removeOldLocks(directory, options.timeoutMs);
    await mkdir(directory, { recursive: true });
    const format = isLong ? ["--object-format=sha256"] : [];
    await runGit(["init", "--quiet", "--bare", "--template=", ...format, directory], {
      ...options,
      env: { ...options.env, GIT_DEFAULT_HASH: isLong ? "sha256" : "sha1" },
    });
  }

  async function fetchRefs(refspecs: readonly string[]): Promise<void> {
    // Refspecs are passed on standard input: there may be more branches than fit on a command line.
    const flags = [
      "--quiet",
      "--no-tags",
      "--force",
      "--update-shallow",
      "--no-write-fetch-head",
      "--no-recurse-submodules",
      "--stdin",
    ];
    await git(["fetch", ...flags, "--", repository], { input: `${refspecs.join("\n")}\n` });
  }

  /** A fetch of several branches succeeds or fails as a whole: this retries a failed one in halves, down to the failing branch. */
  async function fetchApart(branches: readonly string[], failed: Map<string, string>, tries: { left: number }) {
    try {
      tries.left -= 1;
      await fetchRefs(branches.map((branch) => `+${remoteRef(branch)}:${localRef(branch)}`));
    } catch (error) {
      if (!(error instanceof GitFailed) || error.wasEnded) throw error;
      if (branches.length === 1 || tries.left <= 0) {
        for (const branch of branches) failed.set(branch, error.message);
        return;
      }
      // If the repository cannot be reached, no half can succeed.
      await runGit(["ls-remote", "--", repository, "HEAD"], options);
      await prepare();
      const half = Math.ceil(branches.length / 2);
      await fetchApart(branches.slice(0, half), failed, tries);
      await fetchApart(branches.slice(half), failed, tries);
    }
  }

  return {
    async fetch(branches) {
      await prepare();
      const failed = new Map<string, string>();
      await fetchApart(branches, failed, { left: maxAttempts });
      if (failed.size === branches.length) throw new GitFailed([...failed.values()][0] ?? "git fetch failed");
      const refs = await readLines(["for-each-ref", "--format=%(objectname) %(refname)", "refs/poll/"]);
      const revisions = new Map(refs.map((line) => line.split(" ").reverse() as [string, string]));
      const heads = branches.flatMap((branch) => {
        const revision = failed.has(branch) ? undefined : revisions.get(localRef(branch));
        return revision === undefined ? [] : [[branch, revision] as const];
      });
      return { heads: new Map(heads), failed };
    },
    async has(revision) {
      const check = async () => {
        const [line] = await readLines(["cat-file", "--batch-check"], { input: `${revision}^{commit}\n` });
        return line?.includes(" commit ") === true;
      };
      if (await check()) return true;
      try {
        await fetchRefs([`+${revision}:refs/poll/${revision}`]);
        return await check();
      } catch {
        // Most likely the commit no longer exists: the branch was rewritten before this master made its copy.
        return false;
      }
    },
    async listCommits(head, known) {
      const excluded = known.map((revision) => `^${revision}`);
      const listed = await readLines(
        ["rev-list", "--parents", "--ignore-missing", "--date-order", "--reverse", "--stdin"],
        { input: [head, ...excluded, ""].join("\n") },
      );
      return listed.map((line) => {
        const [revision = "", ...parents] = line.split(" ");
        return { revision, parents };
      });
    },
    async describe(revisions) {
      // For a merge, the changes that it brought into its first parent.
      const flags = ["--no-walk=unsorted", "--stdin", "-m", "--first-parent", "-z", "--raw", "--abbrev=7"];
      const plain = ["--no-renames", "--no-ext-diff", "--no-notes", `--format=tformat:${logFormat}`];
      const reader = new LogReader();
      await git(["log", ...flags, ...plain], {
        input: `${revisions.join("\n")}\n`,
        take: (chunk) => reader.write(chunk),
      });
      return reader.end();
    },
    async forget(branches) {
      if (branches.length === 0 || !existsSync(directory)) return;
      await git(["update-ref", "--stdin"], {
        input: branches.map((branch) => `delete ${localRef(branch)}\n`).join(""),
      });
    },
  };
}

const settings = ["log.showSignature=false", "log.showRoot=true", "i18n.logOutputEncoding=UTF-8"].flatMap((setting) => [
  "-c",
  setting,
]);

function remoteRef(branch: string): string {
  return branch === "HEAD" ? "HEAD" : `refs/heads/${branch}`;
}

/**
 * A flat name of fixed length per branch: as files, a deleted "a" would prevent a new "a/b", and a long name would exceed
 * the limit for file names.
 */
function localRef(branch: string): string {
  return `refs/poll/${createHash("sha256").update(branch).digest("hex").slice(0, 32)}`;
}

function isDamage(stderr: string): boolean {
  return /object file .* is empty|is corrupt|loose object|bad object|not a git repository: |unable to read tree|packfile .* (cannot|does not)|mismatched algorithms/.test(
    stderr,
  );
}

/** Removes lock files that a killed master left, which would make every later fetch fail. */
async function removeOldLocks(directory: string, olderThanMs: number): Promise<void> {
  const names = await readdir(directory, { recursive: true });
  for (const name of names.filter((each) => each.endsWith(".lock"))) {
    const file = join(directory, name);
    const age =
      Date.now() -
      (await stat(file).then(
        ({ mtimeMs }) => mtimeMs,
        () => Date.now(),
      ));
    if (age > olderThanMs) await rm(file, { force: true });
  }
}
