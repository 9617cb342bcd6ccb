import { createReadStream } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Headers, type Pack, pack } from "tar-stream";
import { packLongName } from "./long-name.ts";

/** Notes what has no content to send. */
type NoteSkipped = (path: string, kind: string) => void;

/** Creates a tar archive of a directory's contents, with relative names, links and modes, while it is read. */
export function packDirectory(root: string, onSkipped: NoteSkipped): Readable {
  const archive = pack();
  addEntries({ archive, root: Buffer.from(root), onSkipped }, Buffer.alloc(0)).then(
    () => archive.finalize(),
    (error: Error) => archive.destroy(error),
  );
  return archive as unknown as Readable;
}

interface Packing {
  readonly archive: Pack;
  readonly root: Buffer;
  readonly onSkipped: NoteSkipped;
}

/** Names are bytes: the system does not ask for UTF-8. */
async function addEntries(packing: Packing, directory: Buffer): Promise<void> {
  const { archive, root, onSkipped } = packing;
  for (const name of (await readdir(join(root, directory), { encoding: "buffer" })).sort(Buffer.compare)) {
    const path = join(directory, name);
    const file = join(root, path);
    const found = await lstat(file);
    const facts = { mode: found.mode & 0o7777, mtime: found.mtime, uid: found.uid, gid: found.gid };
    if (found.isDirectory()) {
      const named = nameEntry(archive, Buffer.concat([path, slash]));
      await addEntry(archive, { ...facts, name: named, type: "directory" });
      await addEntries(packing, path);
    } else if (found.isSymbolicLink()) {
      const target = await readlink(file, { encoding: "buffer" });
      const header = { name: nameEntry(archive, path), linkname: nameEntry(archive, target, "K") };
      await addEntry(archive, { ...facts, ...header, type: "symlink" });
    } else if (found.isFile()) {
      // Only the initial size is read: a file that grows meanwhile would corrupt the archive.
      const header = { name: nameEntry(archive, path), size: found.size };
      const entry = archive.entry({ ...facts, ...header, type: "file" });
      await pipeline(found.size === 0 ? Readable.from([]) : createReadStream(file, { end: found.size - 1 }), entry);
    } else onSkipped(file.toString(), found.isFIFO() ? "pipe" : found.isSocket() ? "socket" : "device");
  }
}

const slash = Buffer.from("/");

function join(directory: Buffer, name: Buffer): Buffer {
  return directory.length === 0 ? name : Buffer.concat([directory, slash, name]);
}

/** The name for an entry's header. One that is not UTF-8 goes before it, as its bytes. */
function nameEntry(archive: Pack, name: Buffer, type: "L" | "K" = "L"): string {
  const text = name.toString();
  if (Buffer.from(text).equals(name)) return text;
  (archive as unknown as Readable).push(packLongName(type, name));
  return "-";
}

function addEntry(archive: Pack, header: Headers): Promise<void> {
  return new Promise((resolve, reject) => {
    archive.entry(header, (error) => (error ? reject(error) : resolve()));
  });
}
