import { existsSync } from "node:fs";
import { lstat, mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/** The variable in which a process carries its labels. */
export const labelVariable = "MULTIMASTER_INSTANCE";

/** How long a process may take to write its id before its directory counts as what is left of one that never ran. */
const birthMs = 15_000;

export interface KeptProcess {
  readonly instanceid: number;
  readonly directory: string;
  /** Undefined: it has not written it yet. */
  readonly pid: number | undefined;
  readonly isAlive: boolean;
}

/** Makes the directory of one instance; only this user may read it. */
export async function makeInstanceDirectory(parent: string, instanceid: number): Promise<string> {
  await mkdir(parent, { recursive: true, mode: 0o700 });
  const { uid } = await lstat(parent);
  if (process.getuid && uid !== process.getuid()) throw new Error(`${parent} belongs to another user`);
  const directory = join(parent, String(instanceid));
  await rm(directory, { recursive: true, force: true });
  await mkdir(join(directory, "work"), { recursive: true, mode: 0o700 });
  return directory;
}

/** The instances that have a directory here, by whichever master of this host they were started. */
export async function listProcesses(parent: string, label: (instanceid: number) => string): Promise<KeptProcess[]> {
  if (!existsSync(parent)) return [];
  const names = (await readdir(parent)).filter((name) => /^\d+$/.test(name));
  return Promise.all(names.map((name) => readProcess(join(parent, name), Number(name), label(Number(name)))));
}

export async function readProcess(directory: string, instanceid: number, label: string): Promise<KeptProcess> {
  const text = await readFile(join(directory, "pid"), "utf8").catch(() => "");
  const pid = /^\d+\n/.test(text) ? Number(text) : undefined;
  const isAlive = pid === undefined ? await isYoung(directory) : await carriesLabel(pid, label);
  return { instanceid, directory, pid, isAlive };
}

async function isYoung(directory: string): Promise<boolean> {
  const made = await stat(directory).catch(() => undefined);
  return made !== undefined && Date.now() - made.mtimeMs < birthMs;
}

/** Whether the process is the one that was started: its id may be another's by now. */
async function carriesLabel(pid: number, label: string): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // Systems without /proc: the id is all there is.
  if (!existsSync("/proc/self/environ")) return true;
  const environ = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
  return environ.split("\0").includes(`${labelVariable}=${label}`);
}
