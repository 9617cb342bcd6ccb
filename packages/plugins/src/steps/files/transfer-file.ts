import type { ArtifactDownload, ArtifactWriter } from "../../step-artifacts.ts";
import type { StepContext, UploadHandler } from "../../step-context.ts";
import { ArtifactRefused, CommandException } from "../../step-errors.ts";
import { findKind } from "./file-kind.ts";
import { readFile } from "./read-file.ts";

/** Bytes that a worker sends or gets at a time. */
const blocksize = 65_536;

/** Sends a file of the worker to a writer; the writer has ended when this resolves. Rejects with `ArtifactRefused` with a sentence. */
export async function sendFile(
  ctx: StepContext,
  path: string,
  maxSize: number,
  open: () => Promise<ArtifactWriter>,
): Promise<number> {
  let writer: ArtifactWriter | undefined;
  let size = 0;
  const upload: UploadHandler = {
    async write(block) {
      writer ??= await open();
      size += block.length;
      if (size > maxSize) throw new ArtifactRefused(`The file ${path} is larger than ${maxSize} bytes (maxSize).`);
      await writer.write(block);
    },
  };
  // Python's worker refuses a file of exactly the maximum size, and truncates a larger one.
  const refused = await readFile(ctx, path, { maxsize: maxSize + 2, blocksize }, upload);
  if (size > maxSize) throw new ArtifactRefused(`The file ${path} is larger than ${maxSize} bytes (maxSize).`);
  if (refused !== undefined) throw new ArtifactRefused(refused);
  writer ??= await open();
  await writer.end();
  return size;
}

/** Writes a file on the worker. If that fails, nothing of it is left there, and this rejects with a sentence. */
export async function receiveFile(
  ctx: StepContext,
  path: string,
  mode: number | null,
  source: Pick<ArtifactDownload, "read" | "close">,
): Promise<void> {
  let mayLeave = true;
  try {
    const found = await findKind(ctx, path);
    if (found !== undefined && found.kind !== "file")
      throw new ArtifactRefused(`${path} on worker ${ctx.worker.name} is a ${found.kind}: only a file is replaced.`);
    mayLeave = false;
    const { rc } = await ctx.command("download_file", { path, mode, blocksize }, { download: { read: source.read } });
    if (rc !== 0)
      throw new ArtifactRefused(`The file ${path} cannot be written on worker ${ctx.worker.name} (code ${rc}).`);
    mayLeave = true;
  } catch (error) {
    if (!(error instanceof CommandException) || error.isMachineFault) throw error;
    throw new ArtifactRefused(`The file ${path} cannot be written on worker ${ctx.worker.name}: ${error.said}.`);
  } finally {
    await source.close();
    if (!mayLeave) await removeFile(ctx, path);
  }
}

/** Removes a file of the worker, also after a stop; one that is not there is no error. */
export async function removeFile(ctx: StepContext, path: string): Promise<void> {
  await ctx.command("rmfile", { path }, { log: null, cleanUp: true }).catch(() => undefined);
}

/** A text as a source for a worker. */
export function textSource(text: string): Pick<ArtifactDownload, "read" | "close"> {
  const bytes = Buffer.from(text, "utf8");
  let at = 0;
  return {
    async read(length) {
      const block = bytes.subarray(at, at + length);
      at += block.length;
      return block;
    },
    async close() {},
  };
}
