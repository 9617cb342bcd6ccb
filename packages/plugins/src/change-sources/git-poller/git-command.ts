import { onAbort } from "@multimaster/core";
import { hideCredentials } from "./repository-url.ts";

export interface GitOptions {
  readonly env: Readonly<Record<string, string>>;
  /** A command that takes longer, in milliseconds, is ended. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** A git command failed; the message is one line for people, without credentials. */
export class GitFailed extends Error {
  /** All that git wrote. */
  readonly stderr: string;

  constructor(message: string, stderr = "") {
    super(hideCredentials(message));
    this.stderr = stderr;
  }
}

// Set by a git that runs this process (a hook): they would point every command at its repository.
const ofAnotherGit = [
  "GIT_DIR",
  "GIT_WORK_TREE",
  "GIT_INDEX_FILE",
  "GIT_OBJECT_DIRECTORY",
  "GIT_ALTERNATE_OBJECT_DIRECTORIES",
  "GIT_COMMON_DIR",
  "GIT_NAMESPACE",
  "GIT_PREFIX",
];

/** Runs git and gives its output; bytes that are no UTF-8 become replacement characters. */
export async function runGit(args: readonly string[], options: GitOptions, input = ""): Promise<string> {
  const { execa } = await import("execa");
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !ofAnotherGit.includes(name)));
  const command = `git ${args.find((arg) => commands.includes(arg)) ?? args[0]}`;
  const limit = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]);
  if (limit.aborted) throw new GitFailed(`${command} was ended`);
  const running = execa("git", args, {
    env: { ...inherited, ...options.env, LC_ALL: "C", GIT_TERMINAL_PROMPT: "0" },
    extendEnv: false,
    input,
    encoding: "buffer",
    maxBuffer: 1 << 30,
    // A group of its own: git's helpers (ssh, git-remote-https) outlive it otherwise and hold its output open.
    detached: true,
    reject: false,
  });
  let kill: NodeJS.Timeout | undefined;
  const end = () => {
    signalGroup(running.pid, "SIGTERM");
    kill = setTimeout(signalGroup, 2000, running.pid, "SIGKILL");
  };
  const ignoreLimit = onAbort(limit, end);
  const result = await running;
  ignoreLimit();
  clearTimeout(kill);
  if (!result.failed) return decode(result.stdout);
  if (options.signal.aborted) throw new GitFailed(`${command} was ended`);
  if (limit.aborted) throw new GitFailed(`${command} took longer than ${options.timeoutMs / 1000} s`);
  if (result.code === "ENOENT") throw new GitFailed("the program git is not installed");
  const stderr = decode(result.stderr);
  throw new GitFailed(`${command}: ${pickLine(stderr) ?? result.shortMessage}`, stderr);
}

const commands = ["ls-remote", "fetch", "init", "rev-list", "log", "for-each-ref", "cat-file", "update-ref"];

/** SIGTERM comes first, so that git removes its temporary files. */
function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // Nobody of the group is left.
  }
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** The line that says most. */
function pickLine(stderr: string): string | undefined {
  const lines = stderr
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const line = lines.find((text) => /^(fatal|error):/.test(text)) ?? lines.at(-1);
  return line?.replace(/^(fatal|error): /, "");
}
