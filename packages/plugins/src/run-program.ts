import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { onAbort, startTimeout } from "@multimaster/core";

export interface ProgramCall {
  readonly cwd?: string;
  /** The whole environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A program that takes longer, in milliseconds, is ended. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly input?: string;
  /** Bytes of output that are kept at most; a program that writes more is ended. */
  readonly maxOutput?: number;
  /** Receives the output as a stream; without it the output is kept. */
  take?(chunk: Buffer): void;
}

/** A program failed, was ended by us, or wrote more than is kept; the message continues a sentence that begins with its name. */
export class ProgramFailed extends Error {
  readonly kind: "failed" | "missing" | "ended" | "time" | "output";
  /** The last part of its error output, if it failed by itself. */
  readonly stderr: string;

  constructor(kind: ProgramFailed["kind"], message: string, stderr = "") {
    super(message);
    this.kind = kind;
    this.stderr = stderr;
  }
}

/** Enough for a list of a million commits. */
const largestOutput = 64 << 20;
/** As much of the end of the error output as is kept. */
const longestErrors = 64 << 10;
/** How long a program may take to end before it is killed. */
const politeMs = 2000;
/** After the end, output is awaited until none has come for so long: what the program has started may keep the pipe open for ever. */
const quietMs = 500;

/** Runs a program on the master's machine to its end and returns its output. Throws ProgramFailed. */
export function runProgram(program: string, args: readonly string[], call: ProgramCall): Promise<Buffer> {
  if (call.signal.aborted) return Promise.reject(new ProgramFailed("ended", "was interrupted"));
  const { cwd, env, input } = call;
  // A group of its own, so that what it has started (ssh, git-remote-https) ends with it if it fails.
  const child = spawn(program, args, { cwd, env: { ...env }, stdio: "pipe", detached: true });
  // It may end without reading all of it.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input ?? "");
  return new Promise((resolve, reject) => new Run(child, call, resolve, reject));
}

/** Text that a program writes; a failure is one sentence with the last line of its errors. */
export async function readProgram(
  [program = "", ...args]: readonly string[],
  call: Omit<ProgramCall, "take" | "maxOutput">,
): Promise<string> {
  try {
    return (await runProgram(program, args, { ...call, maxOutput: longestText })).toString("utf8");
  } catch (error) {
    if (!(error instanceof ProgramFailed)) throw error;
    const last = error.stderr.trim().split("\n").at(-1)?.slice(0, 500);
    throw new Error(`${program} ${error.message}${last ? `: ${last}` : ""}`);
  }
}

const longestText = 1_000_000;

class Run {
  readonly #child: ChildProcess;
  readonly #call: ProgramCall;
  readonly #resolve: (output: Buffer) => void;
  readonly #reject: (error: unknown) => void;
  readonly #cancels: (() => void)[] = [];
  #chunks: Buffer[] = [];
  #size = 0;
  #stderr = "";
  /** Why it was ended, or could not begin. */
  #failure: { readonly error: unknown } | undefined;
  #status: number | string | null = null;
  #heardAt = 0;

  constructor(
    child: ChildProcess,
    call: ProgramCall,
    resolve: (output: Buffer) => void,
    reject: (error: unknown) => void,
  ) {
    this.#child = child;
    this.#call = call;
    this.#resolve = resolve;
    this.#reject = reject;
    child.stdout?.on("data", (chunk: Buffer) => this.#take(chunk));
    child.stderr?.on("data", (chunk: Buffer) => {
      this.#heardAt = performance.now();
      this.#stderr = (this.#stderr + chunk.toString("utf8")).slice(-longestErrors);
    });
    child.on("error", (error: NodeJS.ErrnoException) => {
      const kind = error.code === "ENOENT" ? "missing" : "failed";
      const why = explainSpawn(error, child.spawnfile, call.cwd);
      this.#failure ??= { error: new ProgramFailed(kind, `could not be run: ${why}`) };
      if (child.pid === undefined) this.#finish();
    });
    child.on("exit", (code, killedBy) => {
      this.#status = code ?? killedBy;
      // What it has started must not outlive a program that failed.
      if (this.#failure !== undefined) this.#signal("SIGKILL");
      this.#heardAt = performance.now();
      this.#awaitQuiet();
    });
    child.on("close", () => this.#finish());
    const { timeoutMs, signal } = call;
    this.#cancels.push(
      startTimeout(() => this.#end(new ProgramFailed("time", `took longer than ${timeoutMs / 1000} s`)), timeoutMs),
      onAbort(signal, () => this.#end(new ProgramFailed("ended", "was interrupted"))),
    );
  }

  #take(chunk: Buffer): void {
    this.#heardAt = performance.now();
    if (this.#failure !== undefined) return;
    const { take, maxOutput = largestOutput } = this.#call;
    try {
      if (take !== undefined) return take(chunk);
      this.#size += chunk.length;
      if (this.#size > maxOutput) throw new ProgramFailed("output", `wrote more than ${maxOutput} bytes`);
      this.#chunks.push(chunk);
    } catch (error) {
      this.#end(error);
    }
  }

  /** SIGTERM comes first, so that a program removes its temporary files. */
  #end(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error };
    this.#signal("SIGTERM");
    this.#cancels.push(startTimeout(() => this.#signal("SIGKILL"), politeMs));
  }

  #awaitQuiet(): void {
    const check = () => {
      // What came while this process was busy is read first.
      const wait = setImmediate(() => {
        if (performance.now() - this.#heardAt >= quietMs) this.#finish();
        else this.#awaitQuiet();
      });
      this.#cancels.push(() => clearImmediate(wait));
    };
    this.#cancels.push(startTimeout(check, quietMs));
  }

  #finish(): void {
    for (const cancel of this.#cancels.splice(0)) cancel();
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
    if (this.#failure === undefined && this.#status === 0) return this.#resolve(Buffer.concat(this.#chunks));
    this.#reject(this.#failure?.error ?? new ProgramFailed("failed", `ended with ${this.#status}`, this.#stderr));
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, signal);
    } catch {
      // No process of the group is left.
    }
  }
}

function explainSpawn({ code, message }: NodeJS.ErrnoException, program: string, cwd: string | undefined): string {
  if (code === "EACCES") return "it is not an executable file that this user may run";
  if (code !== "ENOENT") return message;
  if (cwd !== undefined && !existsSync(cwd)) return `there is no directory ${cwd}`;
  if (program.startsWith("/")) return "there is no such program";
  return `there is no such program in ${program.includes("/") ? (cwd ?? process.cwd()) : "PATH"}`;
}
