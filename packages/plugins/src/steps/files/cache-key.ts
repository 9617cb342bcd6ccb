import { createHash } from "node:crypto";
import type { StepContext } from "../../step-context.ts";
import { ArtifactRefused } from "../../step-errors.ts";
import { findWorkerFiles } from "./find-worker-files.ts";
import { sendFile } from "./transfer-file.ts";

/** Longest key of a cache. */
const longestKey = 500;
/** Bytes of one file that a key depends on. */
const largestFile = 64 * 1024 * 1024;

/** The key of a cache: a text and, if there are such files, the checksum of their names and bytes. */
export async function makeCacheKey(
  ctx: StepContext,
  { key, files, workdir }: { key: string; files: readonly string[]; workdir: string },
): Promise<string> {
  if (files.length === 0) return checkKey(key);
  const hash = createHash("sha256");
  const found = await findWorkerFiles(ctx, workdir, files);
  if (found.length === 0) throw new ArtifactRefused(`There is none of the files ${files.join(", ")} on the worker.`);
  for (const { path, name } of found) {
    hash.update(`${name}\0`);
    const writer = { write: async (block: Uint8Array) => void hash.update(block), end: async () => {} };
    hash.update(`\0${await sendFile(ctx, path, largestFile, async () => writer)}\0`);
  }
  return checkKey(`${key}${hash.digest("hex").slice(0, 32)}`);
}

function checkKey(key: string): string {
  if (key.length > 0 && key.length <= longestKey && !/[\p{Cc}\p{Surrogate}]/u.test(key)) return key;
  throw new ArtifactRefused(`The key of a cache must have 1 to ${longestKey} characters and no control characters.`);
}
