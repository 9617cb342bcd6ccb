import { posix, win32 } from "node:path";

/** Joins parts in the flavour of the worker's system; an absolute part replaces those before it. */
export function resolveWorkerPath(system: string, base: string, ...parts: readonly string[]): string {
  return (system === "nt" ? win32 : posix).resolve(base, ...parts);
}

/** The directory of a builder on a worker. A name becomes one directory, whatever characters it has. */
export function findBuilddir(
  worker: { system: string; basedir: string },
  builder: { name: string; builddir?: string | undefined },
): string {
  const directory = builder.builddir ?? builder.name.replaceAll(/[^a-zA-Z0-9._-]/g, "_").replace(/^\.+$/, "_");
  return resolveWorkerPath(worker.system, worker.basedir, directory);
}
