import { randomUUID } from "node:crypto";
import { type Clock, Results, type Timer } from "@multimaster/core";
import type { ResumeNote } from "@multimaster/data";
import {
  type CommandEnd,
  CommandException,
  type CommandOptions,
  StepFailed,
  StepStopped,
  WorkerLost,
} from "@multimaster/plugins";
import { type CommandName, type CommandRequest, type CommandUpdate, RequestRefused } from "@multimaster/wire";
import type { StepLogs, StoredLog } from "../logs/step-logs.ts";
import type { AttachedWorker } from "../workers/attached-worker.ts";
import type { CommandLedger } from "../workers/command-ledger.ts";
import { isMachineFault } from "../workers/machine-fault.ts";
import { type Interruption, mayGoOn } from "./interruption.ts";

/** Most standard output kept for a step that asked for it. */
const maxCaptured = 16 * 1024 * 1024;
/** How long a worker may take to end an interrupted command, beside the command's own time for SIGTERM. */
const interruptMs = 60_000;
/** The same when the master ends now. */
const hastyMs = 3000;

export interface StepCommandsOptions {
  worker: AttachedWorker;
  ledger: CommandLedger;
  logs: StepLogs;
  clock: Clock;
  buildid: number;
  stepid: number;
  /** For its first command: with what its build can go on elsewhere, or the command with which it goes on here. */
  resume?: StepResume | undefined;
  /** The step's code waits for a command; control returns to it. */
  onWait(): void;
  onReturn(): Promise<void>;
}

/** How a step outlives its engine. */
export interface StepResume {
  /** Undefined: the build cannot go on elsewhere. */
  note(): ResumeNote | undefined;
  /** Of an adopted build: the command that the step began with, and what it wrote. */
  readonly begun?: { readonly commandId: string; readonly logs: ReadonlyMap<string, StoredLog> } | undefined;
}

/** Runs the commands of one step: recorded before they are sent, heard until they complete, interrupted with the step. */
export class StepCommands {
  #options: StepCommandsOptions;
  #running = new Map<string, { sigtermMs: number; cleanUp: boolean }>();
  /** Commands of the clean-up that are begun and have not ended. */
  #cleaningUp = 0;
  #interruption: Interruption | undefined;
  #cutOff: Timer | undefined;
  #isFirst = true;

  constructor(options: StepCommandsOptions) {
    this.#options = options;
  }

  async run(name: string, args: Readonly<Record<string, unknown>>, options: CommandOptions = {}): Promise<CommandEnd> {
    const { cleanUp = false } = options;
    this.#checkGoingOn(cleanUp);
    if (!cleanUp) return this.#run(name, args, options);
    this.#cleaningUp++;
    try {
      return await this.#run(name, args, options);
    } finally {
      this.#cleaningUp--;
    }
  }

  async #run(name: string, args: Readonly<Record<string, unknown>>, options: CommandOptions): Promise<CommandEnd> {
    const { worker, ledger, logs, buildid, stepid, onWait, onReturn } = this.#options;
    const unusable = findNul(args);
    if (unusable !== undefined)
      throw new StepFailed(
        `${JSON.stringify(unusable.slice(0, 200))} has a NUL character, which no path, argument or variable can have.`,
      );
    const { cleanUp = false } = options;
    onWait();
    const begun = this.#isFirst ? this.#options.resume?.begun?.commandId : undefined;
    const id = begun ?? randomUUID();
    const resume = this.#noteResume(name, options);
    this.#isFirst = false;
    if (begun === undefined)
      await ledger.record({ commandId: id, workerid: worker.workerid, buildid, stepid, name, resume });
    try {
      this.#checkGoingOn(cleanUp);
    } catch (error) {
      this.#forget(id, begun !== undefined);
      throw error;
    }
    const watched = new Set(Object.keys((args["logfiles"] ?? {}) as object));
    const found: Found = { watched, stdout: new Capture(), stderr: new Capture(), files: [], stat: undefined };
    const sigtermSeconds = args["sigtermTime"];
    this.#running.set(id, { sigtermMs: typeof sigtermSeconds === "number" ? sigtermSeconds * 1000 : 0, cleanUp });
    try {
      const request = {
        id,
        name: name as CommandName,
        args: args as CommandRequest["args"],
        onUpdate: (update) => this.#take(update, options, found),
        ...(options.upload === undefined ? {} : { upload: options.upload }),
        ...(options.download === undefined ? {} : { download: options.download }),
        ...(resume === undefined ? {} : { keep: true }),
      } as CommandRequest;
      const running = begun === undefined ? worker.link.startCommand(request) : worker.link.resumeCommand(request);
      // The command has ended also where only what consumed it has failed.
      const outcome = await running.catch((error: unknown) => {
        ledger.complete(id);
        throw error;
      });
      if (outcome.kind === "lost") throw new WorkerLost(worker.loss);
      if (outcome.kind === "not-resumed") {
        this.#forget(id, true);
        throw new WorkerLost(`its command could not be resumed: ${outcome.message}`);
      }
      ledger.complete(id);
      logs.endLines();
      this.#checkGoingOn(cleanUp);
      if (outcome.kind === "exception") {
        throw this.#exceptionOf(name, outcome.message);
      }
      const { rc, failureReason, elapsed } = outcome;
      return {
        rc,
        ...(failureReason === undefined ? {} : { failureReason }),
        ...(elapsed === undefined ? {} : { elapsed }),
        stdout: found.stdout.text,
        stderr: found.stderr.text,
        files: found.files,
        stat: found.stat,
      };
    } finally {
      this.#running.delete(id);
      await onReturn();
    }
  }

  #exceptionOf(name: string, message: string): CommandException {
    const { worker, buildid } = this.#options;
    const isFault = isMachineFault(message);
    const said = sentenceOf(message);
    if (isFault) worker.noteFault(buildid, said);
    const before = `${name} failed on worker ${worker.name}: `;
    const about = { said, detail: `${before}${message}`, isMachineFault: isFault };
    return new CommandException(`${before}${said}${explainFailure(message)}`, about);
  }

  /** Interrupts what runs. A worker that does not end its commands in time loses its connection. */
  interrupt(interruption: Interruption): void {
    const { worker, clock } = this.#options;
    this.#interruption = interruption;
    this.#cutOff?.cancel();
    const interrupted = [...this.#running].filter(([, { cleanUp }]) => !cleanUp || !mayGoOn(interruption));
    if (interrupted.length === 0 || interruption.kind === "lost") return;
    this.#cutOff = clock.after(this.patienceMs, () => {
      if (interrupted.some(([id]) => this.#running.has(id))) worker.link.terminate();
    });
    for (const [id] of interrupted) {
      // One that does not answer may only be busy: the cut-off decides.
      worker.link.interrupt(id, interruption.reason).catch(() => undefined);
    }
  }

  /** Whether the step's clean-up runs after a stop, which ends by itself, or when the build is stopped again. */
  get isCleaningUp(): boolean {
    return this.#cleaningUp > 0 && mayGoOn(this.#interruption);
  }

  /** How long interrupted commands may take to end. */
  get patienceMs(): number {
    const { kind, results } = this.#interruption ?? {};
    if (kind === "abandoned" || results === Results.RETRY) return hastyMs;
    return interruptMs + Math.max(0, ...[...this.#running.values()].map((command) => command.sigtermMs));
  }

  /** The step has ended; nothing of it is waited for any more. */
  close(): void {
    this.#cutOff?.cancel();
    // The step went on elsewhere than its first command, which no one hears any more.
    const begun = this.#isFirst ? this.#options.resume?.begun?.commandId : undefined;
    if (begun !== undefined) this.#forget(begun, true);
  }

  #forget(id: string, runs: boolean): void {
    const { worker, ledger } = this.#options;
    if (runs) worker.link.interrupt(id, "its step does not go on").catch(() => undefined);
    ledger.complete(id);
  }

  /** Only what a worker can keep is resumed: a program, without a transfer of files. */
  #noteResume(name: string, { upload, download }: CommandOptions): ResumeNote | undefined {
    if (!this.#isFirst || name !== "shell" || upload !== undefined || download !== undefined) return undefined;
    return this.#options.resume?.note();
  }

  /** `cleanUp`: the command may begin, and end, after the build was stopped, as steps do that clean up. */
  #checkGoingOn(cleanUp: boolean): void {
    const { worker } = this.#options;
    if (this.#interruption?.kind === "lost" || !worker.link.isOpen)
      throw new WorkerLost(`worker ${worker.name} is gone`);
    if (this.#interruption !== undefined && !(cleanUp && mayGoOn(this.#interruption)))
      throw new StepStopped(this.#interruption.reason);
  }

  async #take(update: CommandUpdate, options: CommandOptions, found: Found): Promise<void> {
    switch (update.kind) {
      case "files":
        found.files = update.files;
        return;
      case "stat":
        found.stat = update.stat;
        return;
      case "stream":
        break;
    }
    const { name, text } = update;
    const isFile = name !== "stdout" && name !== "stderr" && name !== "header";
    if (isFile && !found.watched.has(name)) throw new RequestRefused("this command watches no log file of that name");
    const logName = isFile ? name : options.log === null ? undefined : (options.log ?? "stdio");
    const log = logName === undefined ? undefined : await this.#options.logs.get(logName, isFile ? "t" : "s");
    for (const piece of cutPieces(text)) {
      if (!isFile) await options.onText?.(piece, name);
      if (options.capture && name === "stdout") found.stdout.add(piece);
      if (options.capture === "both" && name === "stderr") found.stderr.add(piece);
      if (options.onLine !== undefined && name !== "header") tellLines(piece, isFile ? name : "stdio", options.onLine);
      await (isFile ? log?.write(piece) : log?.write(piece, name));
      // One worker's flood does not keep the others waiting, also where nothing of it is stored.
      if (piece.length < text.length) await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/** The first text with a NUL character in the arguments of a command, what it reads from its input aside. */
function findNul(value: unknown): string | undefined {
  if (typeof value === "string") return value.includes("\0") ? value : undefined;
  if (typeof value !== "object" || value === null) return undefined;
  for (const [name, inner] of Object.entries(value)) {
    const found = findNul(name) ?? (name === "initial_stdin" ? undefined : findNul(inner));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Of an exception with a traceback, as Python's worker sends it, the exception. */
function sentenceOf(message: string): string {
  const [, kind, text] = /^\[Failure instance: Traceback[^\n]*?: <class '([\w.]+)'>: (.*)/.exec(message) ?? [];
  return kind === undefined ? message : `${kind}: ${text}`;
}

/** What a person can do about an exception of Python's worker that says too little. */
function explainFailure(message: string): string {
  if (!/Unicode(En|De)codeError/.test(message)) return "";
  return " (the worker runs in a locale without this text's characters: start it with LC_ALL=C.UTF-8)";
}

/** Characters of one update that are dealt with at a time. */
const pieceLength = 256 * 1024;
/** Characters of a line that a step's own code gets to see: patterns may take quadratic time. */
const maxSeenLine = 4096;

/** A text in pieces of whole lines, unless a line is longer than a piece. */
function* cutPieces(text: string): Generator<string> {
  for (let start = 0; start < text.length; ) {
    let end = Math.min(start + pieceLength, text.length);
    if (end < text.length) {
      const line = text.lastIndexOf("\n", end - 1) + 1;
      if (line > start) end = line;
      // Not within a character of two units.
      else if (isHighSurrogate(text.charCodeAt(end - 1))) end -= 1;
    }
    yield text.slice(start, end);
    start = end;
  }
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

/** Output that a step asked for, up to the limit. */
class Capture {
  #pieces: string[] = [];
  #length = 0;

  add(text: string): void {
    const kept = text.slice(0, maxCaptured - this.#length);
    if (kept === "") return;
    this.#pieces.push(kept);
    this.#length += kept.length;
  }

  get text(): string {
    return this.#pieces.join("");
  }
}

function tellLines(text: string, log: string, onLine: (line: string, log: string) => void): void {
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf("\n", start);
    const end = newline === -1 ? text.length : newline;
    onLine(text.slice(start, Math.min(end, start + maxSeenLine)), log);
    start = end + 1;
  }
}

interface Found {
  /** Names of the log files that the command was asked to watch. */
  watched: ReadonlySet<string>;
  stdout: Capture;
  stderr: Capture;
  files: readonly string[];
  stat: readonly number[] | undefined;
}
