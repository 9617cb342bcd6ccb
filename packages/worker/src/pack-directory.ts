import { createReadStream } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Headers, type Pack, pack } from "tar-stream";

/** Notes what has no content to send. */
type NoteSkipped = (path: string, kind: string) => void;

/** Creates a tar archive of a directory's contents, with relative names, links and modes, while it is read. */
export function packDirectory(root: string, onSkipped: NoteSkipped): Readable {
  const archive = pack();
  addEntries(archive, root, "", onSkipped).then(
    () => archive.finalize(),
    (error: Error) => archive.destroy(error),
  );
  return archive as unknown as Readable;
}

async function addEntries(archive: Pack, root: string, directory: string, onSkipped: NoteSkipped): Promise<void> {
  for (const name of (await readdir(join(root, directory))).sort()) {
    const path = directory === "" ? name : `${directory}/${name}`;
    const file = join(root, path);
    const found = await lstat(file);
    const header = { name: path, mode: found.mode & 0o7777, mtime: found.mtime, uid: found.uid, gid: found.gid };
    if (found.isDirectory()) {
      await addEntry(archive, { ...header, name: `${path}/`, type: "directory" });
      await addEntries(archive, root, path, onSkipped);
    } else if (found.isSymbolicLink()) {
      await addEntry(archive, { ...header, type: "symlink", linkname: await readlink(file) });
    } else if (found.isFile()) {
      // Only the initial size is read: a file that grows meanwhile would corrupt the archive.
      const entry = archive.entry({ ...header, type: "file", size: found.size });
      if (found.size === 0) entry.end();
      else await pipeline(createReadStream(file, { end: found.size - 1 }), entry);
    } else onSkipped(file, found.isFIFO() ? "pipe" : found.isSocket() ? "socket" : "device");
  }
}

function addEntry(archive: Pack, header: Headers): Promise<void> {
  return new Promise((resolve, reject) => {
    archive.entry(header, (error) => (error ? reject(error) : resolve()));
  });
}
