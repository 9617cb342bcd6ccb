import { readdir, readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { commandAliases, commandNames, resumeCapability } from "@multimaster/wire";

/** Version of this worker program. */
export const workerVersion = "0.1.0";

/** The command set version by which masters select features: that of buildbot-worker 4.3. */
const commandSet = "3.3";

/** The answer to `get_worker_info`. */
export async function describeWorker(
  basedir: string,
  environment: Readonly<Record<string, string>>,
  canResume: boolean,
): Promise<Record<string, unknown>> {
  const commands: Record<string, string> = {};
  for (const name of [...commandNames, ...Object.keys(commandAliases)]) commands[name] = commandSet;
  // Among the commands, where masters that do not know it overlook it.
  if (canResume) commands[resumeCapability] = "1";
  return {
    ...(await readInfoFiles(join(basedir, "info"))),
    ...(await readOsRelease()),
    environ: environment,
    system: process.platform === "win32" ? "nt" : "posix",
    basedir,
    numcpus: availableParallelism(),
    version: workerVersion,
    worker_commands: commands,
    delete_leftover_dirs: 0,
  };
}

/** What the worker's owner wrote about it, one file per fact: `admin`, `host`, `access_uri`, … */
async function readInfoFiles(directory: string): Promise<Record<string, string>> {
  const facts: Record<string, string> = {};
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const bytes = await readFile(join(directory, entry.name)).catch(() => undefined);
    if (bytes === undefined || bytes.length > 65_536) continue;
    const text = bytes.toString("utf8");
    if (!text.includes("\ufffd")) facts[entry.name] = text;
  }
  return facts;
}

async function readOsRelease(): Promise<Record<string, string>> {
  const text = await readFile("/etc/os-release", "utf8").catch(() => "");
  const facts: Record<string, string> = {};
  for (const line of text.split("\n")) {
    const match = /^([A-Z_]+)=(.*)$/.exec(line.trim());
    const value = match?.[2]?.replace(/^(["'])(.*)\1$/, "$2");
    if (match?.[1] !== undefined && value !== undefined && value !== "") facts[`os_${match[1].toLowerCase()}`] = value;
  }
  return facts;
}
