import { fileURLToPath } from "node:url";
import { startProcess } from "./processes.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const program = fileURLToPath(new URL("../../packages/cli/bin/master.mjs", import.meta.url));

/** Runs a command of the built program to its end, as an operator would. */
export async function runMaster(
  args: readonly string[],
  env: Record<string, string | undefined> = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const running = await startProcess({
    name: `master ${args[0]}`,
    command: process.execPath,
    args: [program, ...args],
    cwd: temporaryDirectory("command"),
    env,
  });
  const { code } = await running.waitForExit({ timeoutMs: 90_000 });
  return { code, stdout: running.stdout(), stderr: running.stderr() };
}
