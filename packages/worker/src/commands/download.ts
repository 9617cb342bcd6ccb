import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { makeDirectories } from "@multimaster/core";
import type { CommandBody, CommandContext } from "../command.ts";
import { describeSystemError, errnoOf } from "../system-error.ts";

/** Downloads a file from the master, block by block. */
export const downloadFile: CommandBody<"download_file"> = async (context, args) => {
  const { output } = context;
  output.header(`downloading to ${args.path}`);
  let file: FileHandle;
  try {
    await makeDirectories(dirname(args.path));
    file = await open(args.path, "w");
    if (args.mode !== null) await file.chmod(args.mode);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    output.stderr(`Cannot open file '${args.path}' for download: ${describeSystemError(error)}`);
    await context.request("update_read_file_close");
    return 1;
  }
  let rc: number;
  try {
    rc = await receiveBlocks(context, file, args);
  } finally {
    await file.close();
  }
  await context.request("update_read_file_close");
  return rc;
};

async function receiveBlocks(
  context: CommandContext,
  file: FileHandle,
  { path, maxsize, blocksize }: { path: string; maxsize: number | null; blocksize: number },
): Promise<number> {
  let left = maxsize ?? Number.POSITIVE_INFINITY;
  for (;;) {
    if (context.interrupted.aborted || context.killed.aborted) return 1;
    const block = await context.request("update_read_file", { length: blocksize });
    if (block === null) return 0;
    if (!(block instanceof Uint8Array)) throw new Error("the master answered a read with data that is not binary");
    if (block.length === 0) return 0;
    const taken = block.subarray(0, left);
    await file.writeFile(taken);
    left -= taken.length;
    if (taken.length === block.length) continue;
    context.output.stderr(`Maximum filesize reached, truncating file '${path}'`);
    return 1;
  }
}
