import { duration } from "@multimaster/core";
import { z } from "zod";
import { FailureLine } from "../../source/failure-line.ts";
import type { CommandEnd, DownloadHandler, StepContext } from "../../step-context.ts";

/** What to do when a repository does not answer, of every step that checks out sources. */
export const retryOption = z
  .strictObject({
    delay: duration.describe("Time between two attempts."),
    times: z.int().nonnegative().describe("Number of attempts after the first."),
  })
  .optional()
  .describe("How often to retry when the repository cannot be reached.");

/** The options of every step that checks out sources with a program of the worker. */
export const sourceShape = {
  codebase: z.string().default("").describe("Codebase of the source stamp that it checks out."),
  workdir: z.string().min(1).default("build").describe("Relative to the builder's directory on the worker."),
  alwaysUseLatest: z
    .boolean()
    .default(false)
    .describe("Checks out the newest revision of the option `branch`, whatever the source stamp says."),
  gotRevision: z.boolean().default(true).describe("Sets the property `got_revision`; false leaves it to another step."),
  silent: z.boolean().default(false).describe("Keeps the output of its commands out of the log."),
  retry: retryOption,
  timeout: duration.nullable().prefault("20m").describe("A command is killed after this long without output."),
  env: z
    .record(z.string(), z.union([z.string(), z.null()]))
    .default({})
    .describe("Added to the program's environment; null removes a variable."),
};

export interface ProgramOptions {
  readonly workdir: string;
  readonly silent: boolean;
  readonly retry?: { delay: number; times: number } | undefined;
  /** In milliseconds. */
  readonly timeout: number | null;
  readonly env: Readonly<Record<string, string | null>>;
}

/** The sources cannot be checked out; the message says why. */
export class SourceFailed extends Error {
  override name = "SourceFailed";
}

export interface WorkerCall {
  /** Keeps standard output. */
  readonly capture?: boolean;
  readonly stdin?: string;
  readonly workdir?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs one program of version control on the worker, in the directory of the sources. */
export class WorkerProgram {
  readonly ctx: StepContext;
  readonly workdir: string;
  readonly #program: string;
  readonly #options: ProgramOptions;
  readonly #environment: Readonly<Record<string, string>>;
  /** Why the last command has failed. */
  #failure = new FailureLine();

  constructor(
    ctx: StepContext,
    program: string,
    options: ProgramOptions,
    own: { environment: Readonly<Record<string, string>>; workdir: string },
  ) {
    this.ctx = ctx;
    this.#program = program;
    this.#options = options;
    this.#environment = own.environment;
    this.workdir = own.workdir;
  }

  path(...parts: string[]): string {
    return this.ctx.path(this.workdir, ...parts);
  }

  /** Runs it; `words` come in the place of the program's name. */
  try(args: readonly string[], call: WorkerCall = {}, words: readonly string[] = [this.#program]): Promise<CommandEnd> {
    const { timeout, env, silent } = this.#options;
    const failure = new FailureLine();
    this.#failure = failure;
    const onLine = (line: string) => failure.take(line);
    return this.ctx.shell(
      {
        command: [...words, ...args],
        workdir: call.workdir ?? this.workdir,
        env: { LC_ALL: "C.UTF-8", ...env, ...this.#environment, ...call.env },
        timeout: timeout === null ? null : timeout / 1000,
        sigtermTime: 1,
        logEnviron: false,
        ...(call.stdin === undefined ? {} : { initialStdin: call.stdin }),
      },
      { capture: call.capture ?? false, onLine, ...(silent ? { log: null } : {}) },
    );
  }

  /** Runs a command that must succeed; resolves to its output. */
  async run(args: readonly string[], call: WorkerCall = {}): Promise<string> {
    const end = await this.try(args, call);
    if (!hasSucceeded(end)) throw new SourceFailed(this.#describe(args, end));
    return end.stdout;
  }

  /** Runs a command that contacts the repository, with the retries that the options name. */
  async reach(attempt: () => Promise<CommandEnd>, what: string): Promise<string> {
    const { retry = { delay: 0, times: 0 } } = this.#options;
    for (let left = retry.times; ; left -= 1) {
      const end = await attempt();
      if (hasSucceeded(end)) return end.stdout;
      if (left <= 0) throw new SourceFailed(this.#describe([what], end));
      await this.note(`${this.#program} ${what} failed; retrying in ${retry.delay / 1000} s (${left} more)`);
      await this.ctx.sleep(retry.delay);
    }
  }

  /** Names in a directory below the sources', or undefined if it is not there. */
  async list(...parts: string[]): Promise<readonly string[] | undefined> {
    const end = await this.ctx.command("listdir", { path: this.path(...parts) }, { log: null });
    return end.rc === 0 ? end.files : undefined;
  }

  /** Removes files and directories, by absolute paths; `cleanUp`: also after the build was stopped. */
  async remove(paths: readonly string[], { cleanUp = false } = {}): Promise<void> {
    for (let from = 0; from < paths.length; from += 200) {
      const some = paths.slice(from, from + 200);
      const args = { paths: some, logEnviron: false, timeout: 1200 };
      const end = await this.ctx.command("rmdir", args, { cleanUp });
      if (end.rc !== 0) throw new SourceFailed(`the directory ${this.path()} cannot be removed or cleaned`);
    }
  }

  /** Writes a file for as long as the work takes. */
  async withFile<T>(path: string, body: Uint8Array, work: () => Promise<T>): Promise<T> {
    await this.remove([path]);
    const args = { path, maxsize: null, blocksize: 64 * 1024, mode: null };
    const end = await this.ctx.command("download_file", args, { download: serve(body) });
    if (end.rc !== 0) throw new SourceFailed(`${path} could not be written on the worker`);
    try {
      return await work();
    } finally {
      await this.remove([path], { cleanUp: true });
    }
  }

  async note(text: string): Promise<void> {
    await (await this.ctx.log("stdio")).write(`${text}\n`, "header");
  }

  /** Fails in a sentence if the program is not installed; resolves to its version. */
  async readVersion(): Promise<readonly [major: number, minor: number]> {
    const end = await this.try(["--version", "--quiet"], { capture: true, workdir: "." });
    if (!hasSucceeded(end)) throw new SourceFailed(`${this.#program} cannot be run on worker ${this.ctx.worker.name}`);
    const [, major = 0, minor = 0] = /(\d+)\.(\d+)/.exec(end.stdout) ?? [];
    return [Number(major), Number(minor)];
  }

  #describe(args: readonly string[], end: CommandEnd): string {
    const { text } = this.#failure;
    const why = text === undefined ? "" : `: ${text}`;
    return `${this.#program} ${args[0]} ${end.failureReason === undefined ? "failed" : "timed out"}${why}`;
  }
}

export function hasSucceeded(end: CommandEnd): boolean {
  return end.rc === 0 && end.failureReason === undefined;
}

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
