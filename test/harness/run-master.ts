import { fileURLToPath } from "node:url";
import { startProcess, type TestProcess } from "./processes.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** The built `master` command. */
export const masterProgram = fileURLToPath(new URL("../../packages/cli/bin/master.mjs", import.meta.url));

/** Starts a `master` command other than `start`, as an operator would; its end is to be waited for. */
export function startCommand(
  args: readonly string[],
  env: Record<string, string | undefined> = {},
): Promise<TestProcess> {
  return startProcess({
    name: `master ${args[0]}`,
    command: process.execPath,
    args: [masterProgram, ...args],
    cwd: temporaryDirectory("command"),
    env,
    stopTimeoutMs: 20_000,
  });
}

/** Runs one to its end. */
export async function runMaster(
  args: readonly string[],
  env: Record<string, string | undefined> = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const running = await startCommand(args, env);
  const { code } = await running.waitForExit({ timeoutMs: 120_000 });
  return { code, stdout: running.stdout(), stderr: running.stderr() };
}
