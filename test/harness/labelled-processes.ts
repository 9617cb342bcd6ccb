import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Labels of the instances of latent workers that run below a directory, seen from outside. */
export function findLabelled(directory: string): string[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  // A child that an instance has just forked looks like it until it runs its own program: they have one label.
  return [...new Set(pids.flatMap((pid) => readLabel(pid, directory) ?? []))];
}

/** The label of an instance; undefined for a command that it runs: those have its variables, too. */
function readLabel(pid: string, directory: string): string | undefined {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
    const label = environment.find((variable) => variable.startsWith("MULTIMASTER_INSTANCE="));
    const isWorker = readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("--password-file");
    return isWorker && readlinkSync(`/proc/${pid}/cwd`).startsWith(directory) ? label : undefined;
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}
