import { onAbort } from "@multimaster/core";
import {
  type CredentialAccess,
  foreignVariables,
  guardedEnvironment,
  guardedSettings,
} from "../../git/git-settings.ts";
import { hideCredentials } from "../../git/repository-url.ts";

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

/** Maximum output kept of one command: enough for a list of a million commits. */
const maxOutput = 64 << 20;
const maxStderr = 64 << 10;

/** Runs git and returns its output. */
export async function runGit(args: readonly string[], options: GitOptions, call: GitCall = {}): Promise<Buffer> {
  const { execa } = await import("execa");
  const inherited = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !foreignVariables.includes(name)),
  );
  const command = args.find((arg) => commands.includes(arg)) ?? args[0] ?? "";
  const speaks = command === "ls-remote" || command === "fetch";
  const access = speaks ? options.access : { settings: [], environment: {} };
  const limit = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]);
  if (limit.aborted) throw new GitFailed(`git ${command} was ended`, "", true);
  const running = execa("git", [...guardedSettings, ...access.settings, ...args], {
    env: { ...inherited, ...options.env, ...guardedEnvironment, ...access.environment, LC_ALL: "C" },
    extendEnv: false,
    input: call.input ?? "",
    encoding: "buffer",
    buffer: false,
    // A process group of its own: otherwise git's helpers (ssh, git-remote-https) outlive it and keep its output open.
    detached: true,
    reject: false,
  });
  let kill: NodeJS.Timeout | undefined;
  const end = () => {
    if (kill !== undefined) return;
    signalGroup(running.pid, "SIGTERM");
    kill = setTimeout(signalGroup, 2000, running.pid, "SIGKILL");
  };
  const chunks: Buffer[] = [];
  let size = 0;
  let failure: unknown;
  running.stdout.on("data", (chunk: Buffer) => {
    if (failure !== undefined) return;
    try {
      if (call.take !== undefined) return call.take(chunk);
      size += chunk.length;
      if (size > maxOutput) throw new TooMuchOutput(`git ${command} wrote more than ${maxOutput >> 20} MiB`, "", true);
      chunks.push(chunk);
    } catch (error) {
      failure = error;
      end();
    }
  });
  let stderr = "";
  running.stderr.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk.toString("utf8")).slice(-maxStderr);
  });
  const ignoreLimit = onAbort(limit, end);
  const result = await running;
  ignoreLimit();
  clearTimeout(kill);
  if (failure !== undefined) throw failure;
  if (!result.failed) return Buffer.concat(chunks);
  if (options.signal.aborted) throw new GitFailed(`git ${command} was ended`, "", true);
  if (limit.aborted) throw new GitFailed(`git ${command} took longer than ${options.timeoutMs / 1000} s`, "", true);
  if (result.code === "ENOENT") throw new GitFailed("the program git is not installed", "", true);
  throw new GitFailed(`git ${command}: ${explain(stderr) ?? result.shortMessage}`, stderr);
}

const commands = ["ls-remote", "fetch", "init", "rev-list", "log", "for-each-ref", "cat-file", "update-ref"];

/** SIGTERM comes first, so that git removes its temporary files. */
function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // No process of the group is left.
  }
}

/** The most informative line. */
function explain(stderr: string): string | undefined {
  const lines = stderr
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const foreign = /detected dubious ownership in repository at '(.+)'/.exec(stderr)?.[1];
  if (foreign !== undefined)
    return `${foreign} belongs to another user; if it is to be trusted: git config --global --add safe.directory ${foreign}`;
  const line = lines.find((text) => /^(fatal|error):/.test(text)) ?? lines.at(-1);
  return line?.replace(/^(fatal|error): /, "").slice(0, 1000);
}
