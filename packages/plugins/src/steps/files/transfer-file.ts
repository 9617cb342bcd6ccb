import type { ArtifactDownload, ArtifactWriter } from "../../step-artifacts.ts";
import type { StepContext, UploadHandler } from "../../step-context.ts";
import { ArtifactRefused } from "../../step-errors.ts";
import { whyNotRead } from "./file-kind.ts";

/** Bytes that a worker sends or gets at a time. */
const blocksize = 65_536;

/** Sends a file of the worker to a writer; the writer has ended when this resolves. Rejects with `ArtifactRefused` with a sentence. */
export async function sendFile(
  ctx: StepContext,
  path: string,
  maxSize: number,
  open: () => Promise<ArtifactWriter>,
): Promise<number> {
  const refused = await whyNotRead(ctx, path);
  if (refused !== undefined) throw new ArtifactRefused(refused);
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
  const { rc } = await ctx.command("upload_file", { path, maxsize: maxSize + 2, blocksize }, { upload });
  if (size > maxSize) throw new ArtifactRefused(`The file ${path} is larger than ${maxSize} bytes (maxSize).`);
  if (rc !== 0)
    throw new ArtifactRefused(`The file ${path} is not there, or cannot be read, on worker ${ctx.worker.name}.`);
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
  let isWhole = false;
  try {
    const { rc } = await ctx.command("download_file", { path, mode, blocksize }, { download: { read: source.read } });
    if (rc !== 0)
      throw new ArtifactRefused(`The file ${path} cannot be written on worker ${ctx.worker.name} (code ${rc}).`);
    isWhole = true;
  } finally {
    await source.close();
    // Not when the build is stopped: then no command runs any more.
    if (!isWhole && !ctx.signal.aborted) await removeFile(ctx, path);
  }
}

/** Removes a file of the worker; one that is not there is no error. */
export async function removeFile(ctx: StepContext, path: string): Promise<void> {
  await ctx.command("rmfile", { path }, { log: null }).catch(() => undefined);
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
