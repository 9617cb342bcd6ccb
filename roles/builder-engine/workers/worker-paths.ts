import { posix, win32 } from "node:path";
import { nameBuilddir } from "@multimaster/config";

/** Joins parts in the flavour of the worker's system; an absolute part replaces those before it. */
export function resolveWorkerPath(system: string, base: string, ...parts: readonly string[]): string {
  return (system === "nt" ? win32 : posix).resolve(base, ...parts);
}

/** The directory of a builder on a worker. */
export function findBuilddir(
  worker: { system: string; basedir: string },
  builder: { name: string; builddir?: string | undefined },
): string {
  return resolveWorkerPath(worker.system, worker.basedir, nameBuilddir(builder));
}
