import { posix, win32 } from "node:path";

/** Joins parts in the flavour of the worker's system; an absolute part replaces those before it. */
export function resolveWorkerPath(system: string, base: string, ...parts: readonly string[]): string {
  return (system === "nt" ? win32 : posix).resolve(base, ...parts);
}

/** A builder's directory below a worker's own. A name becomes one directory, whatever characters it has. */
export function nameBuilddir(builder: { name: string; builddir?: string | undefined }): string {
  return builder.builddir ?? builder.name.replaceAll(/[^a-zA-Z0-9._-]/g, "_").replace(/^\.+$/, "_");
}

/** The directory of a builder on a worker. */
export function findBuilddir(
  worker: { system: string; basedir: string },
  builder: { name: string; builddir?: string | undefined },
): string {
  return resolveWorkerPath(worker.system, worker.basedir, nameBuilddir(builder));
}
