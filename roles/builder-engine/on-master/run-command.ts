import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { explainFileError, onAbort } from "@multimaster/core";
import { type MasterCommand, type MasterCommandEnd, MasterRefused } from "@multimaster/plugins";

/** Variables of the master that its commands get: none that may be a secret. */
const passed = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR"];

/** Runs a program in a process group of its own, which is killed with the step, at its time limit, or for too much output. */
export async function runMasterCommand(command: MasterCommand, signal: AbortSignal): Promise<MasterCommandEnd> {
  signal.throwIfAborted();
  const texts = [command.command, Object.entries(command.env)].flat(3);
  if (texts.some((text) => text.includes("\0")))
    throw new MasterRefused("The command for the master has a NUL character, which no argument or variable can have.");
  const own = passed.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]));
  const [program, ...args] = typeof command.command === "string" ? ["/bin/sh", "-c", command.command] : command.command;
  const child = spawn(program as string, args, {
    env: { ...Object.fromEntries(own), ...command.env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let killed: string | undefined;
  const kill = (why: string) => {
    killed ??= why;
    if (child.pid !== undefined) killGroup(child.pid);
    // A process that left the group keeps the output open: it is not waited for.
    for (const stream of [child.stdout, child.stderr]) stream.destroy();
  };
  const timer = setTimeout(
    () => kill(`it ran longer than ${command.timeout / 1000} seconds (timeout)`),
    command.timeout,
  );
  const ignore = onAbort(signal, () => kill("the step was stopped"));
  try {
    const rc = await followChild(child, command, kill, () => killed !== undefined);
    return { rc, ...(killed === undefined ? {} : { killed }) };
  } finally {
    clearTimeout(timer);
    ignore();
    // What it started must not outlive it.
    if (child.pid !== undefined) killGroup(child.pid);
  }
}

async function followChild(
  child: ChildProcessByStdio<null, Readable, Readable>,
  { maxOutput, onOutput }: MasterCommand,
  kill: (why: string) => void,
  isKilled: () => boolean,
): Promise<number> {
  let left = maxOutput;
  const ended = new Promise<number>((resolve, reject) => {
    child.once("error", (error) =>
      reject(
        new MasterRefused(`The program cannot be started on the master: ${explainFileError(error) ?? error.message}.`),
      ),
    );
    child.once("exit", (code) => {
      if (child.pid !== undefined) killGroup(child.pid);
      resolve(code ?? -1);
    });
  });
  const read = async (stream: Readable, name: "stdout" | "stderr") => {
    const decoder = new StringDecoder("utf8");
    for await (const block of untilKilled(stream, isKilled)) {
      const taken = block.subarray(0, Math.max(0, left));
      left -= block.length;
      if (taken.length > 0) await onOutput(decoder.write(taken), name);
      if (left < 0) kill(`it wrote more than ${maxOutput} bytes (maxOutput)`);
    }
  };
  const reading = Promise.all([read(child.stdout, "stdout"), read(child.stderr, "stderr")]).catch((error: unknown) => {
    kill("its output could not be stored");
    throw error;
  });
  const [rc] = await Promise.all([ended, reading]);
  return rc;
}

/** The blocks of the output; that it is cut off by the end of the command is no error. */
async function* untilKilled(stream: Readable, isKilled: () => boolean): AsyncGenerator<Buffer> {
  try {
    yield* stream as AsyncIterable<Buffer>;
  } catch (error) {
    if (!isKilled()) throw error;
  }
}

function killGroup(group: number): void {
  try {
    process.kill(-group, "SIGKILL");
  } catch {
    // None is left.
  }
}
