import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Creates a directory with its parents; it may exist. Node's own way never ends where a directory exists that says of every
 * new name that its path does not, such as `/proc`.
 */
export async function makeDirectories(path: string): Promise<void> {
  const parent = dirname(path);
  try {
    return await makeOne(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || parent === path) throw error;
  }
  await makeDirectories(parent);
  await makeOne(path);
}

async function makeOne(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const found = await stat(path).catch(() => undefined);
    // One above which nothing may be made can exist nevertheless.
    if (!found?.isDirectory()) throw error;
  }
}
