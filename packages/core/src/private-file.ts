import type { Stats } from "node:fs";

/**
 * Whether other users of this machine can read a file of ours. One that belongs to someone else is that owner's decision,
 * such as a secret that is mounted into a container; Windows has no such modes.
 */
export function isOpenToOthers({ mode, uid }: Pick<Stats, "mode" | "uid">): boolean {
  return process.getuid !== undefined && uid === process.getuid() && (mode & 0o077) !== 0;
}
