import type { Stats } from "node:fs";
import { open } from "node:fs/promises";

/**
 * Whether other users of this machine can read one of our files. A file of another owner is that owner's decision, such as
 * a secret mounted into a container; Windows has no such modes.
 */
export function isOpenToOthers({ mode, uid }: Pick<Stats, "mode" | "uid">): boolean {
  return process.getuid !== undefined && uid === process.getuid() && (mode & 0o077) !== 0;
}

/** Reads a file's text and whether others can read it, both from the same open file. */
export async function readPrivateFile(file: string): Promise<{ text: string; isOpen: boolean }> {
  const handle = await open(file);
  try {
    return { isOpen: isOpenToOthers(await handle.stat()), text: await handle.readFile("utf8") };
  } finally {
    await handle.close();
  }
}

/** The warning about a secret's file that other users can read. */
export const openToOthers = (file: string) => `other users of this machine can read it: chmod 600 ${file}`;
