import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Ids of the processes that are instances of latent workers and work below a directory, seen from outside. */
export function findLabelled(directory: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => isInstance(pid, directory));
}

/** An instance, and not a command that it runs: those have its variables, too. */
function isInstance(pid: number, directory: string): boolean {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
    const isLabelled = environment.some((variable) => variable.startsWith("MULTIMASTER_INSTANCE="));
    const isWorker = readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("--password-file");
    return isLabelled && isWorker && readlinkSync(`/proc/${pid}/cwd`).startsWith(directory);
  } catch {
    // It has ended meanwhile.
    return false;
  }
}
