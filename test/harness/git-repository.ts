import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { temporaryDirectory } from "./temporary-directory.ts";

export interface CommitOptions {
  /** Path → content; null removes the file. Without files, the commit is empty. */
  files?: Record<string, string | Buffer | null>;
  message?: string;
  /** Created from the default branch if it does not exist. */
  branch?: string;
  /** "Name <mail>" */
  author?: string;
}

/** A bare git repository that others fetch from, and the clone through which a test pushes to it. */
export interface TestGitRepository {
  /** The bare repository. */
  readonly path: string;
  /** The same as a file:// URL. */
  readonly url: string;
  /** Commits and pushes; returns the revision. */
  commit(options?: CommitOptions): string;
  /** Rewrites history: puts the branch on another revision (`main~1` and the like work), then adds the commit, if any. */
  forcePush(branch: string, revision: string, commit?: Omit<CommitOptions, "branch">): string;
  deleteBranch(branch: string): void;
  createTag(name: string, revision?: string): void;
  /** The revision of a branch or any other name. */
  revision(name?: string): string;
  /** Any git command in the clone; returns its output, trimmed. */
  git(...args: string[]): string;
  /** Removes it now; the end of the test file does so too. */
  stop(): void;
}

export interface GitRepositoryOptions {
  /** The default branch. */
  branch?: string;
  /** The first commit's files. */
  files?: Record<string, string>;
  /** When the first commit was made, in seconds; each further one is a second younger. */
  begin?: number;
}

/** A repository with one commit. */
export function createGitRepository(options: GitRepositoryOptions = {}): TestGitRepository {
  const main = options.branch ?? "main";
  const directory = temporaryDirectory("git");
  const path = join(directory, "repository.git");
  const clone = join(directory, "clone");
  let time = options.begin ?? 1_700_000_000;

  function run(cwd: string, args: readonly string[], env: Record<string, string> = {}): string {
    return execFileSync("git", args, {
      cwd,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...isolatedGitEnvironment(directory), ...env },
      maxBuffer: 64 << 20,
    }).trim();
  }

  const git = (...args: string[]) => run(clone, args);
  const hasBranch = (branch: string) => git("branch", "--list", branch) !== "";

  function record({ files, message, author }: CommitOptions): string {
    for (const [name, content] of Object.entries(files ?? {})) {
      const file = join(clone, name);
      if (content === null) rmSync(file, { force: true });
      else {
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, content);
      }
    }
    git("add", "--all");
    // Each commit a second later than the one before: equal dates would make equal revisions possible.
    const date = `${++time} +0000`;
    const by = author ? [`--author=${author}`] : [];
    run(clone, ["commit", "--quiet", "--allow-empty", ...by, "-m", message ?? `Commit ${time}`], {
      GIT_AUTHOR_DATE: date,
      GIT_COMMITTER_DATE: date,
    });
    return git("rev-parse", "HEAD");
  }

  const repository: TestGitRepository = {
    path,
    url: pathToFileURL(path).href,
    commit(commit = {}) {
      const branch = commit.branch ?? main;
      git("checkout", "--quiet", ...(hasBranch(branch) ? [branch] : ["-b", branch, main]));
      const revision = record(commit);
      git("push", "--quiet", "origin", branch);
      return revision;
    },
    forcePush(branch, revision, commit) {
      const target = git("rev-parse", revision);
      git("checkout", "--quiet", "-B", branch, target);
      const result = commit ? record(commit) : target;
      git("push", "--quiet", "--force", "origin", branch);
      return result;
    },
    deleteBranch(branch) {
      git("checkout", "--quiet", main);
      git("branch", "--quiet", "-D", branch);
      git("push", "--quiet", "origin", "--delete", branch);
    },
    createTag(name, revision = main) {
      git("tag", name, revision);
      git("push", "--quiet", "origin", `refs/tags/${name}`);
    },
    revision: (name = main) => git("rev-parse", name),
    git,
    stop: () => rmSync(directory, { recursive: true, force: true }),
  };
  run(directory, ["init", "--quiet", "--bare", `--initial-branch=${main}`, path]);
  run(directory, ["init", "--quiet", `--initial-branch=${main}`, clone]);
  git("remote", "add", "origin", path);
  record({ files: options.files ?? { "README.md": "a repository to build\n" }, message: "First commit" });
  git("push", "--quiet", "origin", main);
  return repository;
}

/** An environment in which git sees neither the user's configuration nor a surrounding repository, and never asks. */
export function isolatedGitEnvironment(home: string): NodeJS.ProcessEnv {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("GIT_")));
  return {
    ...env,
    HOME: home,
    XDG_CONFIG_HOME: home,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_TERMINAL_PROMPT: "0",
    GIT_AUTHOR_NAME: "Ada Committer",
    GIT_AUTHOR_EMAIL: "ada@example.org",
    GIT_COMMITTER_NAME: "Ada Committer",
    GIT_COMMITTER_EMAIL: "ada@example.org",
  };
}
