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

/** Reads the answer to `get_worker_info`. */
export function parseWorkerInfo(answer: unknown): WorkerInfo {
  const parsed = workerInfoMessage.safeParse(answer);
  if (!parsed.success) throw new RequestRefused(`the worker's info is not understood: ${describeIssues(parsed.error)}`);
  const { basedir, system, version, numcpus, environ, worker_commands, delete_leftover_dirs, ...others } = parsed.data;
  const descriptions: Record<string, string> = {};
  for (const [key, value] of Object.entries(others)) if (typeof value === "string") descriptions[key] = value;
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
