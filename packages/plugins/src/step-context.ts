import type { RenderContext } from "@multimaster/config";
import type { Json, Result } from "@multimaster/core";
import type { NewTestResult } from "@multimaster/data";

export interface BuildSource {
  readonly ssid: number;
  readonly codebase: string;
  readonly branch: string | null;
  readonly revision: string | null;
  readonly repository: string;
  readonly project: string;
  /** Not null when it is a change that is in no repository. */
  readonly patch: object | null;
}

export interface BuildChange {
  readonly changeid: number;
  readonly author: string;
  readonly comments: string;
  readonly branch: string | null;
  readonly revision: string | null;
  readonly files: readonly string[];
}

/** What a step may know of its build. */
export interface BuildFacts {
  readonly buildid: number;
  readonly buildrequestid: number;
  readonly number: number;
  readonly builderName: string;
  readonly reason: string;
  readonly sources: readonly BuildSource[];
  readonly changes: readonly BuildChange[];
  /** The builder's environment, rendered; `shell` merges it below the step's own. */
  readonly environment: Environment;
}

/** What a step may know of the worker. `environ` may hold secrets: use it, do not log it. */
export interface WorkerFacts {
  readonly name: string;
  /** `posix` or `nt`. */
  readonly system: string;
  readonly basedir: string;
  readonly version: string;
  readonly environ: Readonly<Record<string, string>>;
  /** Command name to version of the command set, such as `3.3`. */
  readonly commands: Readonly<Record<string, string>>;
}

/** null removes a variable, a list is joined like PATH, `${NAME}` is replaced by the worker's own variable. */
export type Environment = Readonly<Record<string, string | readonly string[] | null>>;

export interface StepProperties {
  get(name: string): Json | undefined;
  /** Saved with the build after the step; the source is the step's name unless given. */
  set(name: string, value: Json, source?: string): void;
}

export type LogStream = "stdout" | "stderr" | "header";

/** A log of a step. Writing waits while the log is behind, so that a flood of output is bounded in memory. */
export interface StepLog {
  /** Adds text; for a log that is not of type "s" the stream does not matter. */
  write(text: string, stream?: LogStream): Promise<void>;
}

/** Takes what a worker uploads, block by block; judge by the return code, not by `close`. */
export interface UploadHandler {
  write(block: Uint8Array): Promise<void>;
  close?(): Promise<void>;
  setTimes?(accessed: number | undefined, modified: number | undefined): Promise<void>;
  /** End of a directory: what was written is a tar archive. */
  unpack?(): Promise<void>;
}

/** Returns what a worker downloads: at most `length` bytes, an empty array at the end. */
export interface DownloadHandler {
  read(length: number): Promise<Uint8Array>;
  close?(): Promise<void>;
}

export interface CommandOptions {
  /** The log that gets stdout, stderr and headers; null: none. Default "stdio". */
  log?: string | null;
  /** Keeps standard output in the result as well, up to 16 MiB. */
  capture?: boolean;
  /** Gets each line of stdout and stderr, without its newline: its first 4096 characters. */
  onLine?(line: string): void;
  upload?: UploadHandler;
  download?: DownloadHandler;
}

/** How a command ended that ran on the worker to its end, or was killed there by a time-out. */
export interface CommandEnd {
  /** Exit code, errno, or -1 for killed by a signal. */
  readonly rc: number;
  /** `timeout_without_output`, `timeout` or `max_lines_failure`. */
  readonly failureReason?: string;
  readonly elapsed?: number;
  /** Captured standard output; "" unless asked for. */
  readonly stdout: string;
  /** Of `listdir` (names) and `glob` (full paths). */
  readonly files: readonly string[];
  /** Of `stat`: mode, inode, device, links, uid, gid, size, atime, mtime, ctime. */
  readonly stat: readonly number[] | undefined;
}

/** A `shell` command as steps give it; times are in seconds. */
export interface ShellCommand {
  command: string | readonly string[];
  /** Relative to the build's directory. Default "build". */
  workdir?: string;
  env?: Environment;
  timeout?: number | null;
  maxTime?: number | null;
  maxLines?: number | null;
  sigtermTime?: number | null;
  interruptSignal?: string;
  logfiles?: Readonly<Record<string, string | { filename: string; follow?: boolean }>>;
  initialStdin?: string | null;
  usePTY?: boolean;
  wantStdout?: boolean;
  wantStderr?: boolean;
  logEnviron?: boolean;
}

/** A wish that a triggerable scheduler builds something. */
export interface TriggerRequest {
  scheduler: string;
  /** By codebase: the id of an existing source stamp, or what differs from the one that the scheduler would take. */
  sourceStamps: Readonly<
    Record<string, number | { branch?: string | null; revision?: string | null; repository?: string; project?: string }>
  >;
  properties: Readonly<Record<string, Json>>;
}

/** What a scheduler was made to build. */
export interface TriggeredBuilds {
  readonly scheduler: string;
  readonly requests: readonly { readonly buildrequestid: number; readonly url: string }[];
  /** Waits until all of it has ended; rejects with StepStopped when the build is stopped. */
  finished(): Promise<{ results: Result; builds: readonly TriggeredBuild[] }>;
}

export interface TriggeredBuild {
  readonly builder: string;
  readonly number: number;
  readonly results: Result;
  readonly url: string;
}

/** What a step has found out about tests. */
export interface TestReport {
  description: string | null;
  /** What it is about, and what a value is; the pages of tests show the category "pass_fail". */
  category: string;
  valueUnit: string;
  passed: number;
  failed: number;
  results: readonly NewTestResult[];
}

/**
 * Everything a step can see and do. It has no rows, no messages and no connection: what it does through here is
 * recorded, stored and published by the engine.
 */
export interface StepContext extends RenderContext {
  readonly name: string;
  readonly build: BuildFacts;
  readonly worker: WorkerFacts;
  readonly properties: StepProperties;
  /** The builder's directory on the worker, absolute. */
  readonly builddir: string;
  /** Aborts when the build is stopped, given up, or has lost its worker. */
  readonly signal: AbortSignal;
  /** Joins parts in the worker's path flavour, beginning at `builddir`; an absolute part replaces those before it. */
  path(...parts: string[]): string;
  /**
   * Runs a command on the worker. Rejects with StepStopped, WorkerLost or CommandException; a failing program is no
   * exception but a return code.
   */
  command(name: string, args: Readonly<Record<string, unknown>>, options?: CommandOptions): Promise<CommandEnd>;
  /** Runs a program on the worker: `command("shell", …)` with the builder's environment below the given one. */
  shell(command: ShellCommand, options?: CommandOptions): Promise<CommandEnd>;
  /** The step's log of that name, made when first asked for. Types: "s" streams, "t" text, "h" HTML. */
  log(name: string, type?: "s" | "t" | "h"): Promise<StepLog>;
  /** Whatever shows this text from now on shows `<name>` instead, in this build and in later ones of its builder (of a fork's: in this one). */
  hide(text: string, name: string): void;
  /** Shows what the step is doing now. */
  setState(text: string): void;
  addUrl(name: string, url: string): Promise<void>;
  /** Stores results of tests with the build, as one set. */
  addTestResults(report: TestReport): Promise<void>;
  /**
   * Makes triggerable schedulers build: all of them, or none and a rejection with TriggerRefused. A build that is run
   * again gets what its first attempt has triggered, if it asks for the same. With `wait`, what is triggered is
   * cancelled when the build is stopped or ends without it.
   */
  trigger(
    requests: readonly TriggerRequest[],
    options: { wait: boolean; relationship: string },
  ): Promise<readonly TriggeredBuilds[]>;
  /** Waits; rejects with StepStopped when the build is stopped. */
  sleep(ms: number): Promise<void>;
}
