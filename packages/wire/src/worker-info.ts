import { RequestRefused } from "./link-errors.ts";
import { describeIssues, workerInfoMessage } from "./messages.ts";

/** What a worker reports about itself. */
export interface WorkerInfo {
  /** Absolute path of the directory that contains its builds. */
  readonly basedir: string;
  /** `posix` or `nt`: decides the format of every path sent to it. */
  readonly system: string;
  readonly version: string;
  readonly numcpus: number | undefined;
  /** Its process environment. It may contain secrets: use it, do not store or show it. */
  readonly environ: Readonly<Record<string, string>>;
  /** Command name to version of the command set, such as `3.3`. */
  readonly commands: Readonly<Record<string, string>>;
  readonly deletesLeftoverDirs: boolean;
  /** `admin`, `host`, `access_uri`, other files of its info directory, and `os_*`. */
  readonly descriptions: Readonly<Record<string, string>>;
}

/** The answer is kept for as long as the worker is connected. */
const maxInfoBytes = 4 * 1024 * 1024;
const maxDescriptions = 200;
const maxDescription = 65_536;

/** Parses the answer to `get_worker_info`. */
export function parseWorkerInfo(answer: unknown): WorkerInfo {
  const size = measureTexts(answer);
  if (size > maxInfoBytes)
    throw new RequestRefused(`the worker's info is larger than ${maxInfoBytes} characters, its environment included`);
  const parsed = workerInfoMessage.safeParse(answer);
  if (!parsed.success) throw new RequestRefused(`the worker's info is invalid: ${describeIssues(parsed.error)}`);
  const { basedir, system, version, numcpus, environ, worker_commands, delete_leftover_dirs, ...others } = parsed.data;
  const descriptions: Record<string, string> = {};
  for (const [key, value] of Object.entries(others).slice(0, maxDescriptions)) {
    if (typeof value === "string" && key.length <= 100) descriptions[key] = value.slice(0, maxDescription);
  }
  return {
    basedir,
    system,
    version,
    numcpus: numcpus ?? undefined,
    environ,
    commands: worker_commands,
    deletesLeftoverDirs: Boolean(delete_leftover_dirs),
    descriptions,
  };
}

/** The number of characters of all texts in a value. A frame's limit bounds the recursion. */
function measureTexts(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 0;
  if (value instanceof Uint8Array) return value.length;
  let sum = 0;
  for (const [key, item] of Object.entries(value)) sum += key.length + measureTexts(item);
  return sum;
}
