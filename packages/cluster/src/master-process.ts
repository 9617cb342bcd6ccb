import { readFileSync } from "node:fs";

/**
 * Whether a master's process runs on this host. Where the system shows what a process is (Linux), another program under the
 * same id is none: an id may have been used again, or be of a container that shares this host's name.
 */
export function isMasterRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  const args = readCommandLine(pid);
  return args === undefined || args.some((arg) => arg === "start" || arg.endsWith("quickstart.mjs"));
}

function readCommandLine(pid: number): string[] | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return undefined;
  }
}
