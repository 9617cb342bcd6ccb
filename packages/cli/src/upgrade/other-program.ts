import { spawn } from "node:child_process";
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { errors } from "@multimaster/core";

/** The `master` program of this checkout. */
export const thisProgram = fileURLToPath(new URL("../../bin/master.mjs", import.meta.url));

/** The program's real path, if it is not this one. */
export function findOtherProgram(path: string): string | undefined {
  let found: string;
  try {
    found = realpathSync(path);
  } catch (error) {
    throw errors.noProgram(path, { cause: error });
  }
  return found === realpathSync(thisProgram) ? undefined : found;
}

/**
 * Runs the command with another checkout's program: each release knows best how its masters are started, which config it can
 * read and which database it needs. Returns its exit code.
 */
export async function runOtherProgram(program: string, args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, program, ...args], { stdio: "inherit" });
  // A terminal's Ctrl-C reaches both programs; a signal to this process alone is passed on.
  const pass = (signal: NodeJS.Signals) => void child.kill(signal);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, pass);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

/** The arguments without an option and its value. */
export function withoutOption(args: readonly string[], name: string): string[] {
  return args.filter((arg, i) => arg !== name && args[i - 1] !== name && !arg.startsWith(`${name}=`));
}
