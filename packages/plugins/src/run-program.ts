import { type ChildProcess, spawn } from "node:child_process";
import { onAbort, startTimeout } from "@multimaster/core";

export interface ProgramOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** A program that writes more than this is ended. */
const longestOutput = 1_000_000;
/** As much of the end of the error output as is kept. */
const longestErrors = 4000;
/** How long a program may take to end before it is killed. */
const politeMs = 2000;
/** How long output is awaited after the end: something that the program has started may keep the pipe open for ever. */
const outputMs = 500;

/** Runs a program to its end; returns what it has written. An error says how it failed, with its last line of errors. */
export async function runProgram(command: readonly string[], options: ProgramOptions): Promise<string> {
  options.signal.throwIfAborted();
  const [file = "", ...args] = command;
  const { cwd, env } = options;
  // A group of its own, so that what it has started ends with it if it fails.
  const child = spawn(file, args, { cwd, env: { ...env }, stdio: ["ignore", "pipe", "pipe"], detached: true });
  const { why, out, err, status } = await follow(child, options);
  const last = err.trim().split("\n").at(-1)?.slice(0, 500);
  if (why === undefined && status === 0) return out;
  throw new Error(`${file} ${why ?? `ended with ${status}`}${last ? `: ${last}` : ""}`);
}

interface Followed {
  /** Why it was ended; undefined: it ended by itself. */
  why: string | undefined;
  out: string;
  err: string;
  status: number | string | null;
}

function follow(child: ChildProcess, { timeoutMs, signal }: ProgramOptions): Promise<Followed> {
  return new Promise((resolve) => {
    const followed: Followed = { why: undefined, out: "", err: "", status: null };
    const cancels: (() => void)[] = [];
    const finish = () => {
      for (const cancel of cancels.splice(0)) cancel();
      child.stdout?.destroy();
      child.stderr?.destroy();
      resolve(followed);
    };
    const endBecause = (why: string) => {
      if (followed.why !== undefined) return;
      followed.why = why;
      signalGroup(child, "SIGTERM");
      cancels.push(startTimeout(() => signalGroup(child, "SIGKILL"), politeMs));
    };
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      if (followed.out.length + text.length > longestOutput) endBecause(`wrote more than ${longestOutput} characters`);
      else followed.out += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      followed.err = (followed.err + text).slice(-longestErrors);
    });
    child.on("error", (error) => {
      followed.why ??= `could not be run: ${error.message}`;
      if (child.pid === undefined) finish();
    });
    child.on("exit", (code, killedBy) => {
      followed.status = code ?? killedBy;
      // What it has started must not outlive a program that failed.
      if (followed.why !== undefined) signalGroup(child, "SIGKILL");
      cancels.push(startTimeout(finish, outputMs));
    });
    child.on("close", finish);
    cancels.push(startTimeout(() => endBecause("took too long"), timeoutMs));
    cancels.push(onAbort(signal, () => endBecause("was interrupted")));
  });
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It is gone.
  }
}
