import type { StepContext } from "../../step-context.ts";
import { ArtifactRefused, CommandException } from "../../step-errors.ts";
import { escapeDirectory } from "./escape-directory.ts";
import { kindOf } from "./file-kind.ts";

/** Files of one pattern: the worker is asked about each. */
const mostFound = 100_000;

/** A file of the worker and its name relative to the directory that it was looked for in. */
export interface WorkerFile {
  readonly path: string;
  readonly name: string;
}

/** The files that paths and patterns relative to a directory mean, each once, sorted by name. */
export async function findWorkerFiles(
  ctx: StepContext,
  workdir: string,
  patterns: readonly string[],
): Promise<readonly WorkerFile[]> {
  const base = ctx.path(workdir);
  const found = new Map<string, WorkerFile>();
  for (const pattern of patterns) {
    const paths = /[*?[]/.test(pattern)
      ? await globFiles(ctx, escapeDirectory(base, ctx.path(base, pattern)))
      : [ctx.path(base, pattern)];
    for (const path of paths) found.set(path, { path, name: nameOf(base, path) });
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function globFiles(ctx: StepContext, path: string): Promise<string[]> {
  const { rc, files } = await ctx.command("glob", { path }, { log: null }).catch((error: unknown) => {
    if (!(error instanceof CommandException)) throw error;
    // A buildbot-worker cannot report such names.
    throw new ArtifactRefused(
      `${error.message}; if a file that ${path} finds has a name that is not UTF-8 text, upload its directory instead (directory)`,
    );
  });
  if (rc !== 0) return [];
  if (files.length > mostFound)
    throw new ArtifactRefused(`The pattern ${path} finds more than ${mostFound} files on worker ${ctx.worker.name}.`);
  const kept: string[] = [];
  for (const file of files) {
    const { stat } = await ctx.command("stat", { path: file }, { log: null });
    const kind = stat === undefined ? "directory" : kindOf(stat);
    if (kind === "file") kept.push(file);
    else if (stat === undefined && file.includes("\ufffd")) await noteUnnamed(ctx, file);
    else if (kind !== "directory") await noteSkipped(ctx, file, kind);
  }
  return kept;
}

/** Says in the log that something which a pattern or a directory has is no file. */
export async function noteSkipped(ctx: StepContext, path: string, kind: string): Promise<void> {
  await (await ctx.log("stdio")).write(`skipped ${path}: it is a ${kind}\n`, "header");
}

/** Commands of a worker name files by text. */
async function noteUnnamed(ctx: StepContext, path: string): Promise<void> {
  const why = "its name is not UTF-8 text, so only an upload of its directory (directory) takes it";
  await (await ctx.log("stdio")).write(`skipped ${path}: ${why}\n`, "header");
}

export async function noteEscaped(ctx: StepContext, name: string): Promise<void> {
  await (await ctx.log("stdio")).write(`${name}: so named since the worker's name is not UTF-8 text\n`, "header");
}

/** Of a file outside of the directory, the last part of its path. */
function nameOf(base: string, path: string): string {
  const slashed = (text: string) => text.replaceAll("\\", "/").replace(/\/+$/, "");
  const [root, file] = [`${slashed(base)}/`, slashed(path)];
  return file.startsWith(root) ? file.slice(root.length) : (file.split("/").at(-1) ?? file);
}
