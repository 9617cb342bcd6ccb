import { RequestRefused } from "./link-errors.ts";
import { describeIssues, workerInfoMessage } from "./messages.ts";

/** What a worker says of itself. */
export interface WorkerInfo {
  /** Absolute path under which its builds live. */
  readonly basedir: string;
  /** `posix` or `nt`: decides the flavour of every path sent to it. */
  readonly system: string;
  readonly version: string;
  readonly numcpus: number | undefined;
  /** Its process environment. May hold secrets: use it, do not store or show it. */
  readonly environ: Readonly<Record<string, string>>;
  /** Command name to version of the command set, such as `3.3`. */
  readonly commands: Readonly<Record<string, string>>;
  readonly deletesLeftoverDirs: boolean;
  /** `admin`, `host`, `access_uri`, other files of its info directory, and `os_*`. */
  readonly descriptions: Readonly<Record<string, string>>;
}

/** Its answer is kept for as long as it is connected. */
const maxInfoBytes = 4 * 1024 * 1024;
const maxDescriptions = 200;
const maxDescription = 65_536;

/** Reads the answer to `get_worker_info`. */
export function parseWorkerInfo(answer: unknown): WorkerInfo {
  const size = measureTexts(answer);
  if (size > maxInfoBytes)
    throw new RequestRefused(`the worker's info is larger than ${maxInfoBytes} characters, its environment included`);
  const parsed = workerInfoMessage.safeParse(answer);
  if (!parsed.success) throw new RequestRefused(`the worker's info is not understood: ${describeIssues(parsed.error)}`);
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

/** Characters of all texts in it. It nests no deeper than a frame may. */
function measureTexts(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 0;
  if (value instanceof Uint8Array) return value.length;
  let sum = 0;
  for (const [key, item] of Object.entries(value)) sum += key.length + measureTexts(item);
  return sum;
}
