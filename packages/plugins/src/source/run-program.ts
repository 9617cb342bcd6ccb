import { onAbort } from "@multimaster/core";

export interface ProgramCall {
  /** The whole environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A program that takes longer, in milliseconds, is killed. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly input?: string;
  /** Receives the output as a stream; without it the output is kept, up to a limit. */
  take?(chunk: Buffer): void;
}

/** A program failed, was ended by us, or wrote more than is kept; the message continues a sentence about it. */
export class ProgramFailed extends Error {
  readonly kind: "failed" | "missing" | "ended" | "time" | "output";
  /** The last part of its error output. */
  readonly stderr: string;

  constructor(kind: ProgramFailed["kind"], message: string, stderr = "") {
    super(message);
    this.kind = kind;
    this.stderr = stderr;
  }
}

/** Maximum output kept of one program: enough for a list of a million commits. */
const maxOutput = 64 << 20;
const maxStderr = 64 << 10;

/** Runs a program of version control on the master's machine and returns its output. Throws ProgramFailed. */
export async function runProgram(program: string, args: readonly string[], call: ProgramCall): Promise<Buffer> {
  const { execa } = await import("execa");
  const limit = AbortSignal.any([call.signal, AbortSignal.timeout(call.timeoutMs)]);
  if (limit.aborted) throw new ProgramFailed("ended", "was ended");
  const running = execa(program, args, {
    env: call.env,
    extendEnv: false,
    input: call.input ?? "",
    encoding: "buffer",
    buffer: false,
    // A process group of its own: otherwise its helpers (ssh, git-remote-https) outlive it and keep its output open.
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
      if (size > maxOutput) throw new ProgramFailed("output", `wrote more than ${maxOutput >> 20} MiB`);
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
  if (call.signal.aborted) throw new ProgramFailed("ended", "was ended");
  if (limit.aborted) throw new ProgramFailed("time", `took longer than ${call.timeoutMs / 1000} s`);
  if (result.code === "ENOENT") throw new ProgramFailed("missing", "is not installed");
  throw new ProgramFailed("failed", result.shortMessage ?? "failed", stderr);
}

/** SIGTERM comes first, so that a program removes its temporary files. */
function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // No process of the group is left.
  }
}
