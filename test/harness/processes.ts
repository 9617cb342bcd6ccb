import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { markedEnvironment, onCleanup, watchProcessGroup } from "./cleanup.ts";
import { failOnNodeWarning } from "./node-warnings.ts";
import { reportOnFailure } from "./report-on-failure.ts";
import { waitFor } from "./wait-for.ts";

export interface ProcessOptions {
  /** How the process is called in messages of the harness. */
  name: string;
  command: string;
  args?: readonly string[];
  cwd?: string;
  /** Added to this process's environment; `undefined` removes a variable. */
  env?: Record<string, string | undefined>;
  uid?: number;
  gid?: number;
  /** What `stop()` sends first; SIGKILL follows when the time is over. */
  stopSignal?: NodeJS.Signals;
  stopTimeoutMs?: number;
  /** Text written to its standard input, which is then closed; without it, there is none. */
  input?: string;
}

export interface ProcessExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A child process whose output is kept and which does not outlive the test file. */
export interface TestProcess {
  readonly name: string;
  readonly pid: number;
  /** Resolves when it has ended and its output is complete. */
  readonly exited: Promise<ProcessExit>;
  /** How it ended, or undefined while it runs. */
  exit(): ProcessExit | undefined;
  stdout(): string;
  stderr(): string;
  /** Both streams, in the order in which they arrived. */
  output(): string;
  /** Waits until the output matches; fails immediately, with the output, when the process ends before. */
  waitForOutput(pattern: string | RegExp, options?: { timeoutMs?: number }): Promise<RegExpMatchArray>;
  waitForExit(options?: { timeoutMs?: number }): Promise<ProcessExit>;
  /** Sends a signal to the process alone, not to its children. */
  signal(signal: NodeJS.Signals): void;
  /** SIGKILL to the process alone, as the kernel would in need of memory; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGSTOP: it stays, holds its sockets and answers nothing. */
  freeze(): void;
  /** SIGCONT. */
  thaw(): void;
  /** Ends it politely, then with force; resolves when it is gone. */
  stop(): Promise<void>;
}

/** Programs in Python keep what they compiled also where the machine forbids it: crossbar.io starts in half the time. */
const keepBytecode = { PYTHONDONTWRITEBYTECODE: "" };

/** Starts a program; throws when it cannot be started at all. */
export async function startProcess(options: ProcessOptions): Promise<TestProcess> {
  const child = spawn(options.command, [...(options.args ?? [])], {
    cwd: options.cwd,
    env: { ...process.env, ...keepBytecode, ...options.env, ...markedEnvironment() },
    uid: options.uid,
    gid: options.gid,
    stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    // A group of its own: Ctrl-C on the test run reaches the tests, which then stop it in order.
    detached: true,
  });
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (error) =>
      reject(new Error(`${options.name} could not be started: ${error.message}`, { cause: error })),
    );
  });
  child.stdin?.on("error", () => {});
  child.stdin?.end(options.input);
  return ownProcess(child, options);
}

/** Runs a program to its end and returns its output; fails with the output when the exit code is not 0. */
export async function runProcess(
  options: ProcessOptions & { timeoutMs?: number },
): Promise<{ stdout: string; stderr: string }> {
  const running = await startProcess(options);
  const exit = await running.waitForExit({ timeoutMs: options.timeoutMs ?? 60_000 });
  if (exit.code !== 0) throw new Error(`${options.name} ended with ${describeExit(exit)}:\n${tail(running.output())}`);
  return { stdout: running.stdout(), stderr: running.stderr() };
}

function ownProcess(child: ChildProcess, options: ProcessOptions): TestProcess {
  const { name } = options;
  const pid = child.pid as number;
  const out: string[] = [];
  const err: string[] = [];
  const both: string[] = [];
  let ended: ProcessExit | undefined;
  for (const [stream, own] of [
    [child.stdout, out],
    [child.stderr, err],
  ] as const) {
    stream?.setEncoding("utf8");
    stream?.on("data", (text: string) => {
      own.push(text);
      both.push(text);
    });
  }
  const unwatch = watchProcessGroup(pid);
  const exited = new Promise<ProcessExit>((resolve) => {
    const finish = (code: number | null, signal: NodeJS.Signals | null) => {
      ended ??= { code, signal };
      unwatch();
      resolve(ended);
    };
    child.once("close", finish);
    // A surviving grandchild may hold the pipes open for ever; then only the exit counts.
    child.once("exit", (code, signal) => setTimeout(finish, 1_000, code, signal).unref());
  });

  const running: TestProcess = {
    name,
    pid,
    exited,
    exit: () => ended,
    stdout: () => out.join(""),
    stderr: () => err.join(""),
    output: () => both.join(""),
    async waitForOutput(pattern, { timeoutMs = 60_000 } = {}) {
      const expression = typeof pattern === "string" ? new RegExp(escapeRegExp(pattern)) : pattern;
      const result = await waitFor(() => running.output().match(expression) ?? (ended ? "ended" : undefined), {
        what: `${name} to print ${expression}`,
        timeoutMs,
      }).catch((error: Error) => {
        throw new Error(`${error.message}; it printed:\n${tail(running.output())}`);
      });
      if (result !== "ended") return result;
      // The output may have been completed by the same event that ended it.
      const late = running.output().match(expression);
      if (late) return late;
      throw new Error(
        `${name} ended with ${describeExit(ended as ProcessExit)} before it printed ${expression}:\n${tail(running.output())}`,
      );
    },
    async waitForExit({ timeoutMs = 60_000 } = {}) {
      await waitFor(() => ended !== undefined, { what: `${name} to end`, timeoutMs }).catch((error: Error) => {
        throw new Error(`${error.message}; it printed:\n${tail(running.output())}`);
      });
      return exited;
    },
    signal: (signal) => sendSignal(pid, signal),
    async kill() {
      if (!ended) sendSignal(pid, "SIGKILL");
      await exited;
    },
    freeze: () => sendSignal(pid, "SIGSTOP"),
    thaw: () => sendSignal(pid, "SIGCONT"),
    async stop() {
      forget();
      if (!ended) {
        sendSignal(pid, options.stopSignal ?? "SIGTERM");
        // A frozen process gets the signal only when it is woken.
        sendSignal(pid, "SIGCONT");
        const force = setTimeout(() => sendSignal(pid, "SIGKILL"), options.stopTimeoutMs ?? 10_000);
        await exited;
        clearTimeout(force);
      }
    },
  };
  const forget = onCleanup(() => running.stop());
  failOnNodeWarning(running);
  reportOnFailure(() => `${name} (pid ${pid}, ${ended ? describeExit(ended) : "running"}):\n${tail(running.output())}`);
  return running;
}

/** The direct children of a process (Linux). */
export function listChildren(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").trim().split(/\s+/).filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}

/** The memory that a process occupies now, in megabytes (Linux). */
export function residentMegabytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) / 1024;
}

/** The most memory that a process has occupied so far, in megabytes (Linux). */
export function peakMegabytes(pid: number): number {
  const kilobytes = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) / 1024;
}

/** Sends a signal if the process is still there. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Whether a process with this id exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function describeExit(exit: ProcessExit): string {
  return exit.signal ? `signal ${exit.signal}` : `exit code ${exit.code}`;
}

function tail(text: string): string {
  return text.length > 4_000 ? `…${text.slice(-4_000)}` : text;
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
