import {
  type CredentialAccess,
  foreignVariables,
  guardedEnvironment,
  guardedSettings,
} from "../../git/git-settings.ts";
import { hideCredentials } from "../../git/repository-url.ts";
import { ProgramFailed, runProgram } from "../../run-program.ts";
import { FailureLine } from "../../source/failure-line.ts";

export interface GitOptions {
  readonly env: Readonly<Record<string, string>>;
  /** How commands that contact the repository's host get the credentials. */
  readonly access: CredentialAccess;
  /** A command that takes longer, in milliseconds, is killed. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** A git command failed; the message is one line for users, without credentials. */
export class GitFailed extends Error {
  /** The last part of git's error output. */
  readonly stderr: string;
  /** This program killed the command: because of its time, its output, or the poller's end. */
  readonly wasEnded: boolean;

  constructor(message: string, stderr = "", wasEnded = false) {
    super(hideCredentials(message));
    this.stderr = stderr;
    this.wasEnded = wasEnded;
  }
}

/** A command wrote more output than is kept. */
export class TooMuchOutput extends GitFailed {}

export interface GitCall {
  input?: string;
  /** Receives the output as a stream; without it the output is kept, up to a limit. */
  take?(chunk: Buffer): void;
}

/** Runs git and returns its output. */
export async function runGit(args: readonly string[], options: GitOptions, call: GitCall = {}): Promise<Buffer> {
  const inherited = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !foreignVariables.includes(name)),
  );
  const command = args.find((arg) => commands.includes(arg)) ?? args[0] ?? "";
  const speaks = command === "ls-remote" || command === "fetch";
  const access = speaks ? options.access : { settings: [], environment: {} };
  try {
    return await runProgram("git", [...guardedSettings, ...access.settings, ...args], {
      env: { ...inherited, ...options.env, ...guardedEnvironment, ...access.environment, LC_ALL: "C" },
      timeoutMs: options.timeoutMs,
      signal: options.signal,
      ...call,
    });
  } catch (error) {
    if (!(error instanceof ProgramFailed)) throw error;
    const { kind, stderr, message } = error;
    if (kind === "output") throw new TooMuchOutput(`git ${command} ${message}`, "", true);
    if (kind === "missing") throw new GitFailed("the program git is not installed", "", true);
    if (kind === "ended" || kind === "time") throw new GitFailed(`git ${command} ${message}`, "", true);
    throw new GitFailed(`git ${command}: ${explain(stderr) ?? message}`, stderr);
  }
}

const commands = ["ls-remote", "fetch", "init", "rev-list", "log", "for-each-ref", "cat-file", "update-ref"];

/** The most informative line. */
function explain(stderr: string): string | undefined {
  const lines = stderr
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const foreign = /detected dubious ownership in repository at '(.+)'/.exec(stderr)?.[1];
  if (foreign !== undefined)
    return `${foreign} belongs to another user; if it is to be trusted: git config --global --add safe.directory ${foreign}`;
  const failure = new FailureLine();
  for (const line of lines) failure.take(line);
  return failure.text ?? lines.at(-1)?.slice(0, 1000);
}
