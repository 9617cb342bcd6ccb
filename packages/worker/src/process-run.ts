import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import type { Readable } from "node:stream";
import { onAbort, startTimeout } from "@multimaster/core";
import type { CommandContext } from "./command.ts";
import { explainNotStarted } from "./not-started.ts";
import { ownGroup, signalGroup, waitForGroupEnd } from "./process-group.ts";

export interface ProcessOptions {
  argv: readonly [string, ...string[]];
  workdir: string;
  environment: Record<string, string>;
  stdin: string | null;
  wantStdout: boolean;
  wantStderr: boolean;
  /** Seconds without output, seconds in total, lines; null or 0: no limit. */
  timeout: number | null;
  maxTime: number | null;
  maxLines: number | null;
  /** Seconds between SIGTERM and the interrupt signal; null: no SIGTERM. */
  sigtermTime: number | null;
  /** Without `SIG`. */
  interruptSignal: string;
}

/** Timeout for a killed process to end, and for its pipes to be read to the end. */
const killMs = 5000;
const drainMs = 200;

/** After the program has ended: how long its output must be silent, or may continue, until reading stops. */
const quietMs = 1000;
const backgroundMs = 10_000;

interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/**
 * One process of a command, the leader of its own group, from its start to the end of its output. Killing it kills the
 * group. Reading stops while the master is behind, so gigabytes of output need no memory.
 */
export class ProcessRun {
  #context: CommandContext;
  #options: ProcessOptions;
  #child: ChildProcess | undefined;
  #exit: Exit | undefined;
  #killing: Promise<boolean> | undefined;
  #lines = 0;
  #lastOutput = performance.now();
  #held = false;
  #timers: (() => void)[] = [];
  #giveUp: () => void = () => undefined;
  #disown: () => void = () => undefined;

  constructor(context: CommandContext, options: ProcessOptions) {
    this.#context = context;
    this.#options = options;
  }

  /** A watched file changed: this resets the output timeout. */
  noteActivity(): void {
    this.#lastOutput = performance.now();
  }

  /** Resolves with the return code: -1 if killed by a signal, 1 if the program cannot be run. */
  async run(): Promise<number> {
    const { output, interrupted, killed } = this.#context;
    const started = performance.now();
    const onInterrupt = (): void => {
      output.header("command interrupted, attempting to kill");
      this.#kill();
    };
    const onKilled = (): void => this.#kill(true);
    const ignored: (() => void)[] = [];
    try {
      const end = this.#start();
      ignored.push(onAbort(interrupted, onInterrupt), onAbort(killed, onKilled));
      const failure = await end;
      if (failure !== undefined) {
        output.stderr(failure);
        return 1;
      }
      if (this.#killing !== undefined && !(await this.#killing)) {
        output.header(`SIG${this.#options.interruptSignal} failed to kill process`);
        output.header("using fake rc=-1");
        output.set("rc", -1);
        throw new Error(`SIG${this.#options.interruptSignal} failed to kill process ${this.#child?.pid}`);
      }
      return this.#describeExit(started);
    } finally {
      for (const ignore of ignored) ignore();
      for (const cancel of this.#timers) cancel();
      this.#disown();
    }
  }

  #describeExit(started: number): number {
    const { code, signal } = this.#exit ?? { code: null, signal: null };
    const { output } = this.#context;
    if (signal !== null) output.header(`process killed by signal ${constants.signals[signal]}`);
    output.header(`elapsedTime=${((performance.now() - started) / 1000).toFixed(6)}`);
    // It handled the signal and exited with 0, but it was killed.
    if (this.#killing !== undefined && code === 0) return -1;
    return code ?? -1;
  }

  /** Resolves when the process and its output have ended, or with a message if it could not be started. */
  #start(): Promise<string | undefined> {
    const { argv, workdir, environment, stdin } = this.#options;
    const [program, ...args] = argv;
    return new Promise((resolve) => {
      const refuse = (error: Error): void => resolve(explainNotStarted(program, error));
      let child: ChildProcess;
      try {
        child = spawn(program, args, {
          cwd: workdir,
          env: environment,
          detached: true,
          stdio: [stdin === null ? "ignore" : "pipe", "pipe", "pipe"],
        });
      } catch (error) {
        // The argument list is too long or contains a null character.
        return refuse(error as Error);
      }
      this.#child = child;
      if (child.pid !== undefined) this.#disown = ownGroup(child.pid);
      child.on("error", (error) => {
        if (child.pid === undefined) refuse(error);
      });
      child.once("exit", (code, signal) => {
        this.#exit = { code, signal };
        this.#leaveBackground(child, () => resolve(undefined));
      });
      child.once("close", () => resolve(undefined));
      this.#giveUp = () => resolve(undefined);
      // A program may end without reading its input.
      child.stdin?.on("error", () => undefined);
      child.stdin?.end(stdin);
      if (child.stdout !== null) this.#read(child.stdout, "stdout", this.#options.wantStdout);
      if (child.stderr !== null) this.#read(child.stderr, "stderr", this.#options.wantStderr);
      this.#watchTime();
    });
  }

  /**
   * The program has ended, but a process that it left in the background may keep its output open forever: output is read
   * for a short time, as long as it continues.
   */
  #leaveBackground(child: ChildProcess, end: () => void): void {
    let waited = 0;
    this.noteActivity();
    const timer = setInterval(() => {
      if (this.#killing !== undefined || this.#held) return;
      waited += quietMs / 5;
      if (performance.now() - this.#lastOutput < quietMs && waited < backgroundMs) return;
      clearInterval(timer);
      this.#context.output.header(
        "the program has ended, but left a background process that keeps its output open; further output of that process is not read",
      );
      child.stdout?.destroy();
      child.stderr?.destroy();
      end();
    }, quietMs / 5);
    child.once("close", () => clearInterval(timer));
    this.#timers.push(() => clearInterval(timer));
  }

  #read(pipe: Readable, stream: string, wanted: boolean): void {
    const { output } = this.#context;
    pipe.on("error", () => undefined);
    pipe.on("data", (bytes: Buffer) => {
      this.noteActivity();
      if (!wanted) return;
      output.write(stream, bytes);
      this.#countLines(bytes);
      if (output.buffer.isCongested) this.#holdOutput();
    });
  }

  /** Leaves output in the pipes until the master has caught up; the process then blocks by itself. */
  #holdOutput(): void {
    if (this.#held) return;
    this.#held = true;
    this.#child?.stdout?.pause();
    this.#child?.stderr?.pause();
    void this.#context.output.buffer.whenDrained().then(() => {
      this.#held = false;
      this.noteActivity();
      this.#child?.stdout?.resume();
      this.#child?.stderr?.resume();
    });
  }

  #countLines(bytes: Buffer): void {
    const { maxLines } = this.#options;
    if (maxLines === null || maxLines <= 0) return;
    for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) this.#lines += 1;
    if (this.#lines <= maxLines || this.#killing !== undefined) return;
    this.#context.output.set("failure_reason", "max_lines_failure");
    this.#context.output.header(
      `command exceeds max lines: ${this.#lines}/${maxLines} written/allowed, attempting to kill`,
    );
    this.#kill();
  }

  #watchTime(): void {
    const { timeout, maxTime } = this.#options;
    const { output } = this.#context;
    this.#lastOutput = performance.now();
    if (maxTime !== null && maxTime > 0) {
      const cancel = startTimeout(() => {
        if (this.#killing !== undefined) return;
        output.set("failure_reason", "timeout");
        output.header(`command timed out: ${maxTime} seconds elapsed, attempting to kill`);
        this.#kill();
      }, maxTime * 1000);
      this.#timers.push(cancel);
    }
    if (timeout !== null && timeout > 0) {
      const timer = setInterval(
        () => {
          // Held output is silence of this worker, not of the command.
          if (this.#held || this.#killing !== undefined) return;
          if (performance.now() - this.#lastOutput < timeout * 1000) return;
          output.set("failure_reason", "timeout_without_output");
          output.header(`command timed out: ${timeout} seconds without output, attempting to kill`);
          this.#kill();
        },
        Math.min(1000, Math.max(20, timeout * 250)),
      );
      this.#timers.push(() => clearInterval(timer));
    }
  }

  #kill(atOnce = false): void {
    if (atOnce && this.#child?.pid !== undefined) signalGroup(this.#child.pid, "SIGKILL");
    this.#killing ??= this.#killGroup();
  }

  /** Kills the group; resolves with whether the process has ended. */
  async #killGroup(): Promise<boolean> {
    const group = this.#child?.pid;
    if (group === undefined) return true;
    const { sigtermTime, interruptSignal } = this.#options;
    if (sigtermTime !== null) {
      signalGroup(group, "SIGTERM");
      if (await waitForGroupEnd(group, sigtermTime * 1000)) return this.#closePipes();
    }
    signalGroup(group, `SIG${interruptSignal}` as NodeJS.Signals);
    if (!(await waitForGroupEnd(group, killMs))) signalGroup(group, "SIGKILL");
    return this.#closePipes();
  }

  /** A process that left the group may keep the pipes open: this reads what they contain, then closes them. */
  async #closePipes(): Promise<boolean> {
    const child = this.#child;
    if (child === undefined) return true;
    const waitFor = (done: () => boolean, event: string, ms: number): Promise<void> =>
      new Promise((resolve) => {
        if (done()) return resolve();
        const timer = setTimeout(resolve, ms);
        child.once(event, () => {
          clearTimeout(timer);
          resolve();
        });
      });
    await waitFor(() => this.#exit !== undefined, "exit", killMs);
    const isClosed = (): boolean => child.stdout?.closed === true && child.stderr?.closed === true;
    await waitFor(isClosed, "close", drainMs);
    child.stdin?.destroy();
    child.stdout?.destroy();
    child.stderr?.destroy();
    if (this.#exit !== undefined) return true;
    // Not even SIGKILL ends the process (it hangs in the kernel): the command must not hang with it.
    this.#giveUp();
    return false;
  }
}
