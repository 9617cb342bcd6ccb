import type { StepContext, UploadHandler } from "../../step-context.ts";
import { CommandException } from "../../step-errors.ts";
import { findKind } from "./file-kind.ts";

export interface ReadOptions {
  /** Python's worker refuses a file of exactly the maximum size. */
  readonly maxsize: number;
  readonly blocksize?: number;
  /** Null: what the worker says about it is in no log. */
  readonly log?: null;
}

/** Lets a worker send a file. Returns a sentence if it cannot be read; a read of a pipe, a socket or a device may never end. */
export async function readFile(
  ctx: StepContext,
  path: string,
  { log, ...limits }: ReadOptions,
  upload: UploadHandler,
): Promise<string | undefined> {
  const found = await findKind(ctx, path);
  if (found !== undefined && found.kind !== "file")
    return `${path} on worker ${ctx.worker.name} is a ${found.kind}: only files are read.`;
  try {
    const { rc } = await ctx.command(
      "upload_file",
      { path, ...limits },
      { ...(log === undefined ? {} : { log }), upload },
    );
    return rc === 0 ? undefined : `The file ${path} is not there, or cannot be read, on worker ${ctx.worker.name}.`;
  } catch (error) {
    if (!(error instanceof CommandException)) throw error;
    // A file without bytes needs no disk: it is the kernel's, such as /proc/self/mem, which refuses to be read.
    if (error.isMachineFault && found?.isEmpty !== true) throw error;
    return `The file ${path} cannot be read on worker ${ctx.worker.name}: ${error.said}.`;
  }
}
