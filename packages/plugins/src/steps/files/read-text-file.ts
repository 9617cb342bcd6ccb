import type { StepContext, UploadHandler } from "../../step-context.ts";
import { StepFailed } from "../../step-errors.ts";
import { readFile } from "./read-file.ts";

/** Reads a file of the worker as text. Rejects with `StepFailed` if there is none, or if it is larger than `maxBytes`. */
export async function readTextFile(ctx: StepContext, path: string, maxBytes: number): Promise<string> {
  return (await readWorkerFile(ctx, path, maxBytes)).toString("utf8");
}

/** The same as bytes. */
export async function readWorkerFile(ctx: StepContext, path: string, maxBytes: number): Promise<Buffer> {
  const blocks: Uint8Array[] = [];
  let size = 0;
  const tooLarge = () =>
    new StepFailed(`The file ${path} on worker ${ctx.worker.name} is larger than ${maxBytes} bytes.`);
  const upload: UploadHandler = {
    async write(block) {
      size += block.length;
      if (size > maxBytes) throw tooLarge();
      blocks.push(block.slice());
    },
  };
  let refused: string | undefined;
  try {
    refused = await readFile(ctx, path, { maxsize: maxBytes + 1, log: null }, upload);
  } catch (error) {
    if (size > maxBytes) throw tooLarge();
    throw error;
  }
  if (size > maxBytes) throw tooLarge();
  if (refused !== undefined) throw new StepFailed(refused);
  return Buffer.concat(blocks);
}
