import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { errors } from "@multimaster/core";

/** Where the difference comes from, as the command line says. */
export interface DifferenceFlags {
  /** A file, or "-" for standard input; absent: git is asked. */
  readonly diff?: string | undefined;
  readonly base?: string | undefined;
  readonly branch?: string | undefined;
}

/** What is to be tried, and on top of what. */
export interface Difference {
  readonly body: Uint8Array;
  /** Undefined: the scheduler's. */
  readonly branch: string | undefined;
  /** Undefined: the newest of the branch. */
  readonly revision: string | undefined;
  /** Files that git does not know, so that they are not in it. */
  readonly untracked: readonly string[];
}

/** Reads the difference between the working tree in `directory` and its upstream, or a file. */
export async function readDifference(flags: DifferenceFlags, directory: string): Promise<Difference> {
  if (flags.diff === undefined) return askGit(flags, directory);
  const body = flags.diff === "-" ? await buffer(process.stdin) : await readDiffFile(flags.diff);
  if (body.length === 0)
    throw errors.requestInvalid(`The difference in ${flags.diff} is empty; there is nothing to try.`);
  return { body, branch: flags.branch, revision: flags.base, untracked: [] };
}

async function readDiffFile(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    throw errors.requestInvalid(`The difference cannot be read: ${(error as Error).message}`);
  }
}

const most = 64 * 1024 * 1024;

async function askGit({ base, branch }: DifferenceFlags, directory: string): Promise<Difference> {
  const top = (
    await git(directory, ["rev-parse", "--show-toplevel"], "This directory is in no git repository; use --diff.")
  )
    .toString()
    .trim();
  const ask = async (args: readonly string[], otherwise: string) => (await git(top, args, otherwise)).toString().trim();
  const upstream = base ?? "@{upstream}";
  const ref = await ask(
    ["rev-parse", "--symbolic-full-name", upstream],
    base === undefined
      ? "The branch has no upstream; name with --base what the difference is to, such as --base origin/main."
      : `There is no revision "${base}" in this repository.`,
  );
  // What both have in common is the only commit of which the other side is known to have it.
  const revision = await ask(
    ["merge-base", "HEAD", upstream],
    `This branch has no commit in common with ${base ?? "its upstream"}; name another one with --base.`,
  );
  const form = ["--binary", "--full-index", "--no-color", "--no-ext-diff", "--no-textconv", "--submodule=short"];
  const prefixes = ["--src-prefix=a/", "--dst-prefix=b/"];
  const body = await git(top, ["diff", ...form, ...prefixes, revision, "--"], "git cannot compute the difference.");
  const others = await ask(["ls-files", "--others", "--exclude-standard", "-z"], "git cannot list the files.");
  const untracked = others.split("\0").filter((name) => name !== "");
  if (body.length === 0) {
    const more = untracked.length === 0 ? "" : `; ${describeUntracked(untracked)}`;
    throw errors.requestInvalid(`There is no difference to ${base ?? ref}, so there is nothing to try${more}.`);
  }
  return { body, branch: branch ?? branchOf(ref), revision, untracked };
}

/** The branch that a remote-tracking ref is of; the name of a remote may not contain a slash here. */
function branchOf(ref: string): string | undefined {
  return /^refs\/remotes\/[^/]+\/(.+)$/.exec(ref)?.[1] ?? /^refs\/heads\/(.+)$/.exec(ref)?.[1];
}

/** A sentence on the files that are left out. */
export function describeUntracked(files: readonly string[]): string {
  const names = files.slice(0, 3).join(", ");
  const more = files.length > 3 ? ", …" : "";
  return `${files.length} untracked ${files.length === 1 ? "file is" : "files are"} left out (${names}${more}); "git add -N" includes them`;
}

async function git(cwd: string, args: readonly string[], otherwise: string): Promise<Buffer> {
  try {
    return (await promisify(execFile)("git", args, { cwd, maxBuffer: most, encoding: "buffer" })).stdout;
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: Buffer };
    if (code === "ENOENT") throw errors.requestInvalid("git cannot be run here; use --diff.");
    if (code === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER")
      throw errors.requestInvalid(`The difference is larger than ${most / 1024 / 1024} MiB.`);
    const [line = ""] = (stderr?.toString() ?? "").trim().split("\n");
    throw errors.requestInvalid(line === "" ? otherwise : `${otherwise} (${line})`);
  }
}
