import { existsSync } from "node:fs";
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Commit, logFormat, parseLog } from "./commit.ts";
import { GitFailed, type GitOptions, runGit } from "./git-command.ts";

export interface LocalCopy {
  /** Brings in the branches; gives their heads. */
  fetch(branches: readonly string[]): Promise<Map<string, string>>;
  /** Whether it has the commit, or could get it. */
  has(revision: string): Promise<boolean>;
  /** Commits of `head` that none of `known` contains, oldest first. Known commits it does not have exclude nothing. */
  listCommits(head: string, known: readonly string[]): Promise<string[]>;
  describe(revisions: readonly string[]): Promise<Commit[]>;
  /** Lets go of branches that are no more. */
  forget(branches: readonly string[]): Promise<void>;
}

/**
 * A bare repository that belongs to one poller on one master. It holds nothing that cannot be fetched again: when it is
 * damaged it is removed.
 */
export function openLocalCopy(directory: string, repository: string, options: GitOptions): LocalCopy {
  const git = async (args: readonly string[], input?: string) => {
    try {
      return await runGit([`--git-dir=${directory}`, ...settings, ...args], options, input);
    } catch (error) {
      if (error instanceof GitFailed && isDamage(error.stderr)) await rm(directory, { recursive: true, force: true });
      throw error;
    }
  };

  async function prepare(): Promise<void> {
    if (existsSync(join(directory, "HEAD"))) return removeOldLocks(directory, options.timeoutMs);
    await mkdir(directory, { recursive: true });
    await runGit(["init", "--quiet", "--bare", "--template=", directory], options);
  }

  async function fetchRefs(refspecs: readonly string[]): Promise<void> {
    // Refspecs by standard input: there may be more branches than a command line can hold.
    const flags = [
      "--quiet",
      "--no-tags",
      "--force",
      "--update-shallow",
      "--no-write-fetch-head",
      "--no-recurse-submodules",
      "--stdin",
    ];
    await git(["fetch", ...flags, "--", repository], `${refspecs.join("\n")}\n`);
  }

  return {
    async fetch(branches) {
      await prepare();
      await fetchRefs(branches.map((branch) => `+${remoteRef(branch)}:${localRef(branch)}`));
      const refs = await git(["for-each-ref", "--format=%(objectname) %(refname)", "refs/poll/"]);
      const revisions = new Map(refs.split("\n").map((line) => line.split(" ").reverse() as [string, string]));
      return new Map(
        branches.flatMap((branch) => {
          const revision = revisions.get(localRef(branch));
          return revision === undefined ? [] : [[branch, revision] as const];
        }),
      );
    },
    async has(revision) {
      const check = async () =>
        (await git(["cat-file", "--batch-check"], `${revision}^{commit}\n`)).includes(" commit ");
      if (await check()) return true;
      try {
        await fetchRefs([`+${revision}:refs/poll/${revision}`]);
        return await check();
      } catch {
        // Most likely nobody has it any more: the branch was rewritten and this master's copy is younger than that.
        return false;
      }
    },
    async listCommits(head, known) {
      const excluded = known.map((revision) => `^${revision}`);
      const listed = await git(
        ["rev-list", "--ignore-missing", "--date-order", "--reverse", "--stdin"],
        [head, ...excluded, ""].join("\n"),
      );
      return listed.split("\n").filter((line) => line !== "");
    },
    async describe(revisions) {
      const commits: Commit[] = [];
      // In batches, so that the output of one command stays small.
      for (let from = 0; from < revisions.length; from += 500) {
        const batch = revisions.slice(from, from + 500);
        // Of a merge, what it brought into its first parent.
        const flags = [
          "--no-walk=unsorted",
          "--stdin",
          "-m",
          "--first-parent",
          "-z",
          "--name-only",
          "--no-renames",
          "--no-ext-diff",
          "--no-notes",
        ];
        commits.push(
          ...parseLog(await git(["log", ...flags, `--format=tformat:${logFormat}`], `${batch.join("\n")}\n`)),
        );
      }
      return commits;
    },
    async forget(branches) {
      if (branches.length === 0 || !existsSync(directory)) return;
      await git(["update-ref", "--stdin"], branches.map((branch) => `delete ${localRef(branch)}\n`).join(""));
    },
  };
}

const settings = [
  // Housekeeping runs within the command, not behind our back.
  "gc.autoDetach=false",
  "maintenance.autoDetach=false",
  "log.showSignature=false",
  "log.showRoot=true",
  "i18n.logOutputEncoding=UTF-8",
].flatMap((setting) => ["-c", setting]);

function remoteRef(branch: string): string {
  return branch === "HEAD" ? "HEAD" : `refs/heads/${branch}`;
}

/** One flat name per branch: "a" may be deleted and "a/b" created, which as files would be in each other's way. */
function localRef(branch: string): string {
  return `refs/poll/${encodeURIComponent(branch)}`;
}

function isDamage(stderr: string): boolean {
  return /object file .* is empty|is corrupt|loose object|bad object|not a git repository: |unable to read tree|packfile .* (cannot|does not)/.test(
    stderr,
  );
}

/** A killed master leaves lock files that would stop every later fetch. */
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
