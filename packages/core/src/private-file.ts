import type { Stats } from "node:fs";
import { open } from "node:fs/promises";

/**
 * Whether other users of this machine can read a file of ours. One that belongs to someone else is that owner's decision,
 * such as a secret that is mounted into a container; Windows has no such modes.
 */
export function isOpenToOthers({ mode, uid }: Pick<Stats, "mode" | "uid">): boolean {
  return process.getuid !== undefined && uid === process.getuid() && (mode & 0o077) !== 0;
}

/** The file's text, and whether others can read it, of the same file. */
export async function readPrivateFile(file: string): Promise<{ text: string; isOpen: boolean }> {
  const handle = await open(file);
  try {
    return { isOpen: isOpenToOthers(await handle.stat()), text: await handle.readFile("utf8") };
  } finally {
    await handle.close();
  }
}

/** Said of a file that holds a secret and is not private. */
export const openToOthers = (file: string) => `other users of this machine can read it: chmod 600 ${file}`;
