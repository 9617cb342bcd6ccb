import { createHash } from "node:crypto";

/**
 * Converts any name to the name of one file or directory. Plain names stay as they are; any other, and one that is too long for
 * a file, gets a hash, so that two different names never become the same file name.
 */
export function toFileName(name: string): string {
  if (/^(?!\.+$)[a-zA-Z0-9._-]{1,99}$/.test(name)) return name;
  const readable = name
    .replaceAll(/[^a-zA-Z0-9._-]+/g, "_")
    .replace(/^\.+/, "_")
    .slice(0, 80);
  return `${readable}-${createHash("sha256").update(name).digest("hex").slice(0, 8)}`;
}
