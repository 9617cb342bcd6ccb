import { readFileSync, readlinkSync } from "node:fs";
import { resolve } from "node:path";

/** How a running master was started. */
export interface StartedAs {
  config: string;
  /** No builder set was named, so it runs all of its config. */
  hasAllSets: boolean;
}

/** Reads the command line of a `master start` of this machine (Linux); undefined if it cannot be read. */
export function readStartedAs(pid: number): StartedAs | undefined {
  try {
    const args = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    const begin = args.indexOf("start");
    if (begin < 0) return undefined;
    const config = readOption(args.slice(begin), "--config") ?? readVariable(pid, "MULTIMASTER_CONFIG") ?? "cluster.ts";
    return {
      config: resolve(readlinkSync(`/proc/${pid}/cwd`), config),
      hasAllSets: readOption(args.slice(begin), "--builders") === undefined,
    };
  } catch {
    return undefined;
  }
}

function readOption(args: readonly string[], name: string): string | undefined {
  const at = args.findIndex((arg) => arg === name || arg.startsWith(`${name}=`));
  if (at < 0) return undefined;
  return args[at] === name ? args[at + 1] : args[at]?.slice(name.length + 1);
}

function readVariable(pid: number, name: string): string | undefined {
  const entries = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  return entries.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1) || undefined;
}
