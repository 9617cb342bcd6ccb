import { constants } from "node:fs";
import { open, stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import { createGzip } from "node:zlib";
import type { CommandBody, CommandContext } from "../command.ts";
import { packDirectory } from "../pack-directory.ts";
import { describeSystemError, errnoOf } from "../system-error.ts";

/** Uploads a file to the master, block by block; each block waits until the previous one is stored. */
export const uploadFile: CommandBody<"upload_file"> = async (context, args) => {
  const { output } = context;
  output.header(`sending ${args.path}`);
  const times = await stat(args.path).catch(() => undefined);
  let rc: number;
  try {
    rc = await sendBlocks(context, await openFile(args.path), "update_upload_file_write", args);
  } catch (error) {
    if (errnoOf(error) === undefined) {
      // The master refused a block: it must still close the file.
      await context.request("update_upload_file_close").catch(() => undefined);
      throw error;
    }
    output.stderr(`Cannot open file '${args.path}' for upload: ${describeSystemError(error)}`);
    rc = 1;
  }
  await context.request("update_upload_file_close");
  if (args.keepstamp) {
    await context.request("update_upload_file_utime", {
      access_time: times === undefined ? null : times.atimeMs / 1000,
      modified_time: times === undefined ? null : times.mtimeMs / 1000,
    });
  }
  return rc;
};

/** Opens a file without waiting for the other end of a pipe. What is no file may never end: that is an error like any of the system's. */
async function openFile(path: string): Promise<Readable> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const found = await file.stat();
  if (found.isFile() || found.isDirectory()) return file.createReadStream();
  await file.close();
  throw Object.assign(new Error("it is no file"), { errno: -22 });
}

/** Uploads a directory to the master as a tar archive. */
export const uploadDirectory: CommandBody<"upload_directory"> = async (context, args) => {
  const { output } = context;
  output.header(`sending ${args.path}`);
  if (args.compress === "bz2") {
    output.stderr("This worker cannot compress with bz2; use gz or none.");
    return 1;
  }
  try {
    if (!(await stat(args.path)).isDirectory()) throw Object.assign(new Error("not a directory"), { errno: -20 });
  } catch (error) {
    output.stderr(`Cannot read directory '${args.path}' for upload: ${describeSystemError(error)}`);
    return 1;
  }
  const archive = packDirectory(args.path, (path, kind) => output.header(`skipped ${path}: it is a ${kind}`));
  const stream = args.compress === "gz" ? pipeErrors(archive, createGzip()) : archive;
  let rc: number;
  try {
    rc = await sendBlocks(context, stream, "update_upload_directory_write", args);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    output.stderr(`Cannot read all of directory '${args.path}': ${describeSystemError(error)}`);
    return 1;
  }
  // An incomplete archive must not be unpacked.
  if (rc === 0) await context.request("update_upload_directory_unpack");
  return rc;
};

function pipeErrors(from: Readable, to: ReturnType<typeof createGzip>): Readable {
  from.on("error", (error) => to.destroy(error));
  to.on("close", () => from.destroy());
  return from.pipe(to);
}

/** Returns code 1 with a message if the transfer was cut at `maxsize` or interrupted. */
async function sendBlocks(
  context: CommandContext,
  stream: Readable,
  op: string,
  { path, maxsize, blocksize }: { path: string; maxsize: number | null; blocksize: number },
): Promise<number> {
  let left = maxsize ?? Number.POSITIVE_INFINITY;
  let cut = false;
  try {
    for await (const block of cutBlocks(stream, blocksize)) {
      if (context.interrupted.aborted || context.killed.aborted) return 1;
      if (left > 0) await context.request(op, { args: block.subarray(0, left) });
      cut = block.length > left;
      left -= block.length;
      if (cut) break;
    }
  } finally {
    stream.destroy();
  }
  if (context.interrupted.aborted) return 1;
  if (!cut) return 0;
  context.output.stderr(`Maximum filesize reached, truncating file '${path}'`);
  return 1;
}

/** Yields the stream in blocks of equal size, except the last. */
async function* cutBlocks(stream: Readable, size: number): AsyncGenerator<Buffer> {
  let kept: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    kept.push(chunk);
    bytes += chunk.length;
    if (bytes < size) continue;
    let rest = Buffer.concat(kept, bytes);
    for (; rest.length >= size; rest = rest.subarray(size)) yield rest.subarray(0, size);
    kept = [rest];
    bytes = rest.length;
  }
  if (bytes > 0) yield Buffer.concat(kept, bytes);
}
