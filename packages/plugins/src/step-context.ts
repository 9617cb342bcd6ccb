import type { PluginDescriptor, RenderContext } from "@multimaster/config";
import type { Json, Result } from "@multimaster/core";
import type { NewTestResult } from "@multimaster/data";
import type { StepArtifacts, StepMaster } from "./step-artifacts.ts";
import type { StepCluster } from "./step-cluster.ts";

export interface BuildSource {
  readonly ssid: number;
  readonly codebase: string;
  readonly branch: string | null;
  readonly revision: string | null;
  readonly repository: string;
  readonly project: string;
  /** Not null if it includes a patch, which is in no repository; `readPatch` reads its bytes. */
  readonly patch: BuildPatch | null;
}

/** A difference to apply after the checkout. Who sent it is not trusted. */
export interface BuildPatch {
  readonly patchid: number;
  /** How many leading parts of each file name are removed. */
  readonly level: number;
  /** Directory below the checkout's to which its file names are relative; null: the checkout's own. */
  readonly subdir: string | null;
  readonly author: string;
  readonly comment: string;
}

export interface BuildChange {
  readonly changeid: number;
  readonly author: string;
  readonly comments: string;
  readonly branch: string | null;
  readonly revision: string | null;
  readonly files: readonly string[];
}

/** What a step may read about its build. */
export interface BuildFacts {
  readonly buildid: number;
  readonly buildrequestid: number;
  readonly number: number;
  readonly builderName: string;
  /** The address of the build's page; undefined: the config does not say where users see the pages (`url`). */
  readonly url: string | undefined;
  /** The result so far, from the steps before this one. */
  readonly results: Result;
  readonly reason: string;
  readonly sources: readonly BuildSource[];
  readonly changes: readonly BuildChange[];
}

/** What a step may read about the worker. `environ` may contain secrets: use it, do not log it. */
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

/** What options of a step that are functions of the build may read. */
export interface StepRenderContext extends RenderContext {
  readonly build: BuildFacts;
  readonly worker: WorkerFacts;
  /** Asks the worker about a file; a relative path begins at the builder's directory. Rejects like `StepContext.command`. */
  readonly probe: FileProbe;
}

export interface FileProbe {
  /** Whether there is a file or directory of this path. */
  exists(path: string): Promise<boolean>;
  /** Milliseconds since the file was changed, by the clocks of the worker and of the engine; undefined: there is none. */
  age(path: string): Promise<number | undefined>;
}

/** null removes a variable, a list is joined like PATH, `${NAME}` is replaced by the worker's own variable. */
export type Environment = Readonly<Record<string, string | readonly string[] | null>>;

export interface StepProperties {
  get(name: string): Json | undefined;
  /** Saved with the build after the step; the source is the step's name unless given. */
  set(name: string, value: Json, source?: string): void;
}

export type LogStream = "stdout" | "stderr" | "header";

/** A log of a step. Writes wait while the log is behind, so that the memory for a flood of output is bounded. */
export interface StepLog {
  /** Adds text; the stream matters only for a log of type "s". */
  write(text: string, stream?: LogStream): Promise<void>;
}

/** Receives a worker's upload, block by block; only the return code says whether it is complete, not `close`. */
export interface UploadHandler {
  write(block: Uint8Array): Promise<void>;
  close?(): Promise<void>;
  setTimes?(accessed: number | undefined, modified: number | undefined): Promise<void>;
  /** End of a directory: the received data is a tar archive. */
  unpack?(): Promise<void>;
}

/** Provides the data that a worker downloads: at most `length` bytes, an empty array at the end. */
export interface DownloadHandler {
  read(length: number): Promise<Uint8Array>;
  close?(): Promise<void>;
}

export interface CommandOptions {
  /** The log that gets stdout, stderr and headers; null: none. Default "stdio". */
  log?: string | null;
  /** Keeps standard output in the result as well, up to 16 MiB; "both": and standard error, each up to 16 MiB. */
  capture?: boolean | "both";
  /** Gets each line of stdout, stderr ("stdio") and watched files, without its newline: its first 4096 characters. */
  onLine?(line: string, log: string): void;
  /** Gets all of stdout, stderr and headers, in pieces of any length; more comes when it resolves. */
  onText?(text: string, stream: LogStream): Promise<void>;
  upload?: UploadHandler;
  download?: DownloadHandler;
  /** The command belongs to the step's clean-up: it runs also after the build was stopped, until that is stopped again. */
  cleanUp?: boolean;
}

/** How a command ended that ran on the worker to its end, or was killed there by a timeout. */
export interface CommandEnd {
  /** Exit code, errno, or -1 for killed by a signal. */
  readonly rc: number;
  /** `timeout_without_output`, `timeout` or `max_lines_failure`. */
  readonly failureReason?: string;
  readonly elapsed?: number;
  /** Captured standard output; "" unless requested. */
  readonly stdout: string;
  /** Captured standard error; "" unless requested. */
  readonly stderr: string;
  /** The result of `listdir` (names) and `glob` (full paths). */
  readonly files: readonly string[];
  /** The result of `stat`: mode, inode, device, links, uid, gid, size, atime, mtime, ctime. */
  readonly stat: readonly number[] | undefined;
}

/** A `shell` command in a step; times are in seconds. */
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

/** A request that a triggerable scheduler starts builds. */
export interface TriggerRequest {
  scheduler: string;
  /** By codebase: the id of an existing source stamp, or the fields that differ from the scheduler's own. */
  sourceStamps: Readonly<
    Record<string, number | { branch?: string | null; revision?: string | null; repository?: string; project?: string }>
  >;
  properties: Readonly<Record<string, Json>>;
  /** What this request is to the step, unique for its scheduler and the same in each attempt; by default how many came before. */
  key?: string;
}

/** The builds that a scheduler has started for a trigger. */
export interface TriggeredBuilds {
  readonly scheduler: string;
  readonly requests: readonly { readonly buildrequestid: number; readonly url: string }[];
  /** Waits until all of them have ended; rejects with StepStopped when the build is stopped. */
  finished(): Promise<{ results: Result; builds: readonly TriggeredBuild[] }>;
}

export interface TriggeredBuild {
  readonly buildid: number;
  readonly builder: string;
  readonly number: number;
  readonly results: Result;
  readonly url: string;
}

/** What a step builds item by item, as pages, REST and the command line show it. Nothing waits for these notes but `flush`. */
export interface StepItems {
  /** Builds of an item were requested. */
  requested(name: string, buildrequestids: readonly number[]): void;
  /** An item has ended; `failed`: a build of which the note tells what failed. */
  ended(name: string, end: { readonly results: Result; readonly note?: string; readonly failed?: number }): void;
  /** Resolves when all notes are written; rejects with the first failure. */
  flush(): Promise<void>;
}

export interface AddStepsOptions {
  /** `next`: right after this step and what it has added there before; `end`: after all steps of the build. Default `next`. */
  where?: "next" | "end";
}

/** How steps ended that ran together. */
export interface TogetherEnd {
  /** The worst result, as the rules of each weigh it. */
  readonly results: Result;
  readonly halted: boolean;
  /** A step of them has ended the build. */
  readonly build?: { readonly results: Result; readonly text?: string };
  /** In their order; `results` of one that did not begin: SKIPPED. */
  readonly members: readonly { readonly name: string; readonly results: Result }[];
}

/** A step of which another one says what happens in it. */
export interface AnnouncedStep {
  /** Unique in the build. */
  readonly name: string;
  log(name: string, type?: "s" | "t" | "h"): Promise<StepLog>;
  addUrl(name: string, url: string): Promise<void>;
  /** May be called more than once: the first time counts. */
  end(end: { readonly results: Result; readonly text: string }): Promise<void>;
}

/** A step's results of tests. */
export interface TestReport {
  description: string | null;
  /** The kind of results and of their values; the pages of tests show the category "pass_fail". */
  category: string;
  valueUnit: string;
  passed: number;
  failed: number;
  results: readonly NewTestResult[];
}

/**
 * Everything a step can see and do. It has no rows, no messages and no connection: the engine records, stores and publishes
 * the step's actions.
 */
export interface StepContext extends StepRenderContext {
  readonly name: string;
  /** With the builder's environment, rendered; `shell` merges it below the step's own. */
  readonly build: BuildFacts & { readonly environment: Environment };
  readonly properties: StepProperties;
  /** The builder's directory on the worker, absolute. */
  readonly builddir: string;
  /** Aborts when the build is stopped, abandoned, or has lost its worker. */
  readonly signal: AbortSignal;
  /** Joins parts in the worker's path format, beginning at `builddir`; an absolute part replaces those before it. */
  path(...parts: string[]): string;
  /**
   * Runs a command on the worker. Rejects with StepStopped, WorkerLost or CommandException; a failing program results in a
   * return code, not an exception.
   */
  command(name: string, args: Readonly<Record<string, unknown>>, options?: CommandOptions): Promise<CommandEnd>;
  /** Runs a program on the worker: `command("shell", …)` with the builder's environment below the given one. */
  shell(command: ShellCommand, options?: CommandOptions): Promise<CommandEnd>;
  /** The bytes of a source stamp's patch. A build of which no step reads it fails: no step has applied it. */
  readPatch(patch: BuildPatch): Promise<Uint8Array>;
  /** The step's log of that name, created on first use. Types: "s" streams, "t" text, "h" HTML. */
  log(name: string, type?: "s" | "t" | "h"): Promise<StepLog>;
  /** Masks this text as `<name>` from now on, in this build and later ones of its builder (for a fork's build: only in this one). */
  hide(text: string, name: string): void;
  /** Shows the step's present activity. */
  setState(text: string): void;
  addUrl(name: string, url: string): Promise<void>;
  /** Stores results of tests with the build, as one set. */
  addTestResults(report: TestReport): Promise<void>;
  /**
   * Makes triggerable schedulers start builds: all of them, or none and a rejection with TriggerRefused. A build that is run
   * again gets the builds that its first attempt triggered, if it makes the same request. With `wait`, the triggered builds
   * are cancelled when the build is stopped or ends without them.
   */
  trigger(
    requests: readonly TriggerRequest[],
    options: { wait: boolean; relationship: string },
  ): Promise<readonly TriggeredBuilds[]>;
  /** Lists what the step builds item by item, each name once; what becomes of them is noted with the result of this call. */
  listItems(items: readonly { readonly name: string; readonly after: readonly string[] }[]): Promise<StepItems>;
  /**
   * Adds steps to this build, made by the factories that a config uses. They are shown as pending immediately, and follow the rules
   * of every step. All of them are added, or none and a rejection with StepsRefused: an option is invalid, or the build would
   * have more than 1,000 added steps. Resolves to their names, which are unique in the build.
   */
  addSteps(steps: readonly PluginDescriptor<"step">[], options?: AddStepsOptions): Promise<readonly string[]>;
  /**
   * Runs steps as parts of this one, so many at the same time, each with a row of its own; resolves when all of them have
   * ended. Once one halts, no other begins that does not always run. They count as added steps do. Rejects with StepStopped,
   * when all have ended, if the build is stopped.
   */
  runTogether(
    steps: readonly PluginDescriptor<"step">[],
    options: { readonly maxInFlight: number },
  ): Promise<TogetherEnd>;
  /** The artifact store. */
  readonly artifacts: StepArtifacts;
  /** The machine of the engine. */
  readonly master: StepMaster;
  /** What may be read of the build's past, and of what waits in the cluster. */
  readonly cluster: StepCluster;
  /**
   * Begins a step that is a part of this one, without code of its own: this one says what happens in it. It ends with this
   * one at the latest. Rejects with StepsRefused beyond 1,000 added steps.
   */
  announceStep(name: string): Promise<AnnouncedStep>;
  /** Waits; rejects with StepStopped when the build is stopped. */
  sleep(ms: number): Promise<void>;
}
