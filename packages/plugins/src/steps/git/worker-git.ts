import {
  type CredentialAccess,
  foreignVariables,
  giveCredentials,
  guardedEnvironment,
  guardedSettings,
} from "../../git/git-settings.ts";
import { type Credentials, listSecretTexts, parseRepository } from "../../git/repository-url.ts";
import { FailureLine } from "../../source/failure-line.ts";
import type { CommandEnd, DownloadHandler, StepContext } from "../../step-context.ts";
import { GitFailed } from "./git-failed.ts";
import { openSsh, type SshAccess } from "./ssh-files.ts";

export interface WorkerGitOptions {
  repourl: string;
  workdir: string;
  retry?: { delay: number; times: number } | undefined;
  /** In milliseconds. */
  timeout: number | null;
  env: Readonly<Record<string, string | null>>;
  config: Readonly<Record<string, string>>;
  /** Instead of those in the URL. */
  credentials?: Credentials | undefined;
  sshPrivateKey?: string | undefined;
  sshKnownHosts?: string | undefined;
  lfs?: boolean;
  /** Output of commands stays out of the log. */
  silent?: boolean;
}

export interface GitCall {
  /** Keeps standard output. */
  capture?: boolean;
  /** The command contacts the repository's host: it gets the credentials. */
  remote?: boolean;
  stdin?: string;
  /** The last argument, if it may contain non-ASCII characters. */
  last?: string;
  env?: Readonly<Record<string, string>>;
}

/** Runs git commands in one directory on the worker. */
export class WorkerGit {
  readonly ctx: StepContext;
  /** The repository's URL for git, without credentials. */
  readonly address: string;
  /**
   * Whether the repository in the directory is one that this step has made or restored. Until then git sees no repository
   * there, nor above it: what a former build left could name programs that git runs, even to ask the far end for its refs.
   */
  isRestored = false;
  /** The server has said that it cannot send a part of the history. */
  refusesShallow = false;
  #options: WorkerGitOptions;
  #access: CredentialAccess;
  #ssh: SshAccess | undefined;
  #remedy: string | undefined;
  /** Why the last command has failed. */
  #failure = new FailureLine();

  constructor(ctx: StepContext, options: WorkerGitOptions) {
    this.ctx = ctx;
    this.#options = options;
    const { address, credentials: written } = parseRepository(options.repourl);
    const credentials = options.credentials ?? written;
    this.address = address;
    const secrets = { privateKey: options.sshPrivateKey, knownHosts: options.sshKnownHosts };
    this.#ssh = openSsh(ctx, options.workdir, secrets);
    this.#access = giveCredentials(address, credentials);
    for (const text of credentials === undefined ? [] : listSecretTexts(credentials)) ctx.hide(text, "credentials");
  }

  /** The directory, absolute on the worker. */
  get directory(): string {
    return this.ctx.path(this.#options.workdir);
  }

  path(...parts: string[]): string {
    return this.ctx.path(this.#options.workdir, ...parts);
  }

  /** Names in a directory below this one, or undefined if it is not a directory. */
  async list(...parts: string[]): Promise<readonly string[] | undefined> {
    const end = await this.ctx.command("listdir", { path: this.path(...parts) }, { log: null });
    return end.rc === 0 ? end.files : undefined;
  }

  /** Removes files or directories with their contents; `cleanUp`: also after the build was stopped. */
  async remove(paths: readonly string[], { cleanUp = false } = {}): Promise<void> {
    if (paths.length === 0) return;
    const args = { paths: [...paths], logEnviron: false, timeout: this.#seconds };
    const end = await this.ctx.command("rmdir", args, { cleanUp });
    if (end.rc !== 0) throw new GitFailed(`the directory ${this.directory} cannot be removed or cleaned`);
  }

  /** Writes a file below this directory. What an earlier build has left there may be a link, and goes first. */
  async write(parts: readonly string[], body: Uint8Array): Promise<void> {
    const path = this.path(...parts);
    await this.remove([path]);
    const args = { path, maxsize: null, blocksize: 64 * 1024, mode: null };
    const end = await this.ctx.command("download_file", args, { download: serve(body) });
    if (end.rc !== 0) throw new GitFailed(`${path} could not be written on the worker`, "request");
  }

  /** Ends what could outlast the step's commands. */
  async close(): Promise<void> {
    if (this.#ssh !== undefined) await this.remove([this.#ssh.directory], { cleanUp: true });
  }

  /** Writes a line to the step's log. */
  async note(text: string): Promise<void> {
    await (await this.ctx.log("stdio")).write(`${text}\n`, "header");
  }

  /** Runs a command that must succeed. */
  async run(args: readonly string[], call: GitCall = {}): Promise<CommandEnd> {
    const end = await this.try(args, call);
    if (!succeeded(end)) throw this.#describe(args, end, "directory");
    return end;
  }

  /** Runs a command that contacts the repository, with retries as set by the option `retry`. */
  async reach(args: readonly string[], call: GitCall = {}): Promise<CommandEnd> {
    const { retry = { delay: 0, times: 0 } } = this.#options;
    for (let left = retry.times; ; left -= 1) {
      const end = await this.try(args, { ...call, remote: true });
      if (succeeded(end)) return end;
      if (left <= 0) throw this.#describe(["fetch"], end, "connection");
      await this.note(`git ${args[0]} failed; retrying in ${retry.delay / 1000} s (${left} more)`);
      await this.ctx.sleep(retry.delay);
    }
  }

  try(args: readonly string[], call: GitCall = {}): Promise<CommandEnd> {
    const { capture = false, remote = false, env = {} } = call;
    const own = Object.entries(this.#options.config).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const access = remote ? this.#access : { settings: [], environment: noLazyFetch };
    const ssh = remote ? this.#ssh : undefined;
    const { words, stdin } = toAscii(args, call);
    const lfs = this.#options.lfs === true ? lfsSettings : [];
    this.#failure = new FailureLine();
    return this.ctx.shell(
      {
        command: [
          "git",
          ...[...guardedSettings, ...lfs, ...own, ...access.settings],
          ...[...(ssh?.settings ?? []), ...(ssh?.words ?? [])],
          ...words,
        ],
        workdir: this.#options.workdir,
        env: {
          // Git may use no repository except the one in this directory.
          GIT_CEILING_DIRECTORIES: this.path(".."),
          ...Object.fromEntries(foreignVariables.map((name) => [name, null])),
          ...this.#options.env,
          ...(this.isRestored ? {} : { GIT_DIR: "/dev/null" }),
          ...guardedEnvironment,
          ...access.environment,
          ...ssh?.environment,
          ...env,
        },
        timeout: this.#seconds,
        sigtermTime: 1,
        logEnviron: false,
        ...(stdin === undefined ? {} : { initialStdin: stdin }),
      },
      { capture, onLine: (line) => this.#takeLine(line), ...(this.#options.silent === true ? { log: null } : {}) },
    );
  }

  /** Git prints the remedy for another user's directory in several lines; the step's state has room for one. */
  #takeLine(line: string): void {
    this.#failure.take(line);
    if (/shallow capabilities|does not support (shallow|--depth)/.test(line.slice(0, 400))) this.refusesShallow = true;
    const match = /^(?:fatal: )?detected dubious ownership in repository at '(.{1,300})'/.exec(line.slice(0, 400));
    if (match === null) return;
    this.#remedy = `${match[1]} belongs to another user; if it is to be trusted: git config --global --add safe.directory ${match[1]}`;
  }

  #describe(args: readonly string[], end: CommandEnd, fault: "directory" | "connection"): GitFailed {
    const timedOut = end.failureReason !== undefined;
    const why = this.#remedy ?? this.#failure.text;
    return new GitFailed(
      `git ${args[0]} ${timedOut ? "timed out" : "failed"}${why === undefined ? "" : `: ${why}`}`,
      timedOut ? "timeout" : fault,
    );
  }

  get #seconds(): number | null {
    return this.#options.timeout === null ? null : this.#options.timeout / 1000;
  }
}

/** A command that needs no network must not fetch what a partial clone lacks: it would do so without credentials. */
const noLazyFetch: Readonly<Record<string, string>> = { GIT_NO_LAZY_FETCH: "1" };

/** What `git lfs install` would write into the worker user's own configuration. */
const lfsSettings: readonly string[] = [
  "filter.lfs.clean=git-lfs clean -- %f",
  "filter.lfs.smudge=git-lfs smudge -- %f",
  "filter.lfs.process=git-lfs filter-process",
  "filter.lfs.required=true",
].flatMap((setting) => ["-c", setting]);

function serve(body: Uint8Array): DownloadHandler {
  let at = 0;
  return {
    async read(length) {
      const block = body.subarray(at, at + length);
      at += block.length;
      return block;
    },
  };
}

export function succeeded(end: CommandEnd): boolean {
  return end.rc === 0 && end.failureReason === undefined;
}

/** Git includes a shell on every system; printf produces the bytes that cannot be sent directly. */
const withInput = `alias.with-input=!f() { text=$1; shift; printf "$text" | git "$@"; }; f`;
const withLast = `alias.with-last=!f() { text=$(printf "$1"); shift; git "$@" "$text"; }; f`;

/** A worker in the C locale accepts only ASCII arguments and input. */
function toAscii(args: readonly string[], { stdin, last }: GitCall): { words: readonly string[]; stdin?: string } {
  if (last !== undefined)
    return { words: isAscii(last) ? [...args, last] : ["-c", withLast, "with-last", toFormat(last), ...args] };
  if (stdin === undefined) return { words: args };
  return isAscii(stdin) ? { words: args, stdin } : { words: ["-c", withInput, "with-input", toFormat(stdin), ...args] };
}

function isAscii(text: string): boolean {
  return [...text].every((char) => char <= "~");
}

/** A printf format for the text: other bytes in octal, and a "-" at its beginning, which would be an option. */
function toFormat(text: string): string {
  return [...new TextEncoder().encode(text)]
    .map((byte) => {
      const char = String.fromCharCode(byte);
      return byte < 128 && /[a-zA-Z0-9/.:+@-]/.test(char) ? char : `\\${byte.toString(8).padStart(3, "0")}`;
    })
    .join("")
    .replace(/^-/, "\\055");
}
