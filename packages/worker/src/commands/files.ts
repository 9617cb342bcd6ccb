import { readdir, stat as readStat, unlink } from "node:fs/promises";
import { makeDirectories } from "@multimaster/core";
import type { CommandBody, CommandContext } from "../command.ts";
import { findFiles } from "../find-files.ts";
import { describeSystemError, errnoOf } from "../system-error.ts";

/** Creates directories with their parents; they may exist. Stops at the first that cannot be created. */
export const mkdir: CommandBody<"mkdir"> = async (context, args) => {
  for (const path of args.paths) {
    const rc = await reportErrors(context, "mkdir", path, () => makeDirectories(path));
    if (rc !== 0) return rc;
  }
  return 0;
};

export const stat: CommandBody<"stat"> = (context, { path }) =>
  reportErrors(context, "stat", path, async () => {
    const s = await readStat(path);
    const seconds = (ms: number): number => Math.floor(ms / 1000);
    context.output.set("stat", [
      ...[s.mode, s.ino, s.dev, s.nlink, s.uid, s.gid, s.size],
      ...[seconds(s.atimeMs), seconds(s.mtimeMs), seconds(s.ctimeMs)],
    ]);
  });

export const glob: CommandBody<"glob"> = (context, { path }) =>
  reportErrors(context, "glob", path, async () => context.output.set("files", await findFiles(path)));

export const listdir: CommandBody<"listdir"> = (context, { path }) =>
  reportErrors(context, "listdir", path, async () => context.output.set("files", await readdir(path)));

export const rmfile: CommandBody<"rmfile"> = (context, { path }) =>
  reportErrors(context, "rmfile", path, () => unlink(path));

/** An error of the operating system becomes the command's result: its errno, with a message. */
async function reportErrors(
  context: CommandContext,
  command: string,
  path: string,
  act: () => Promise<void>,
): Promise<number> {
  try {
    await act();
    return 0;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    context.output.header(`${command}: ${describeSystemError(error)}: ${path}`);
    return errno;
  }
}
