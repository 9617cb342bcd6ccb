import { randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, resolve, sep } from "node:path";
import { explainFileError } from "@multimaster/core";
import { type ArtifactDownload, type ArtifactWriter, MasterRefused } from "@multimaster/plugins";

/** Reads a file of this machine that is below one of the directories, links followed. */
export async function readMasterFile(path: string, directories: readonly string[]): Promise<ArtifactDownload> {
  const file = await explained(path, async () => {
    const real = await realpath(demandAbsolute(path));
    if (!(await isWithin(real, directories))) throw refuse(path, directories, "readFrom");
    // A read of a pipe or a device may never end.
    if (!(await stat(real)).isFile())
      throw new MasterRefused(`${JSON.stringify(path.slice(0, 200))} on the master is not a file.`);
    return open(real, "r");
  });
  return {
    async read(length) {
      const block = Buffer.alloc(length);
      const { bytesRead } = await explained(path, () => file.read(block, 0, length));
      return block.subarray(0, bytesRead);
    },
    close: () => file.close(),
  };
}

/** Writes a file of this machine below one of the directories; it appears under its name when it is complete. */
export async function writeMasterFile(
  path: string,
  mode: number,
  directories: readonly string[],
): Promise<ArtifactWriter & { discard(): Promise<void> }> {
  const { file, part, target } = await explained(path, async () => {
    const directory = resolve(dirname(demandAbsolute(path)));
    await makeAllowed(directory, directories);
    // Before anything is made: the part of the path that exists may lead elsewhere by a link.
    if (!(await isWithin(await realpath(await findExisting(directory)), directories)))
      throw refuse(path, directories, "writeTo");
    await mkdir(directory, { recursive: true });
    const real = await realpath(directory);
    if (!(await isWithin(real, directories))) throw refuse(path, directories, "writeTo");
    const part = join(real, `.${randomUUID()}.part`);
    return { part, target: join(real, basename(path)), file: await open(part, "wx", mode) };
  });
  return {
    write: (block) => explained(path, () => writeAll(file, block)),
    end: () =>
      explained(path, async () => {
        // The mode of a new file is reduced by the umask.
        await file.chmod(mode);
        await file.sync();
        await file.close();
        await rename(part, target);
      }),
    async discard() {
      await file.close().catch(() => undefined);
      await rm(part, { force: true }).catch(() => undefined);
    },
  };
}

async function writeAll(file: FileHandle, block: Uint8Array): Promise<void> {
  for (let at = 0; at < block.length; ) at += (await file.write(block, at)).bytesWritten;
}

function demandAbsolute(path: string): string {
  if (isAbsolute(path) && !/[\0]/.test(path)) return path;
  throw new MasterRefused(`${JSON.stringify(path.slice(0, 200))} is not the absolute path of a file on the master.`);
}

/** Makes the directory of the config in which another one is to be, if it is not there yet. */
async function makeAllowed(wanted: string, directories: readonly string[]): Promise<void> {
  for (const directory of directories)
    if (`${wanted}${sep}`.startsWith(`${directory}${sep}`)) await mkdir(directory, { recursive: true });
}

async function findExisting(directory: string): Promise<string> {
  for (let at = directory; ; at = dirname(at)) {
    const exists = await realpath(at).then(
      () => true,
      () => false,
    );
    if (exists || at === dirname(at)) return at;
  }
}

async function isWithin(real: string, directories: readonly string[]): Promise<boolean> {
  for (const directory of directories) {
    const allowed = await realpath(directory).catch(() => undefined);
    if (allowed !== undefined && (real === allowed || real.startsWith(allowed.endsWith(sep) ? allowed : allowed + sep)))
      return true;
  }
  return false;
}

function refuse(path: string, directories: readonly string[], option: "readFrom" | "writeTo"): MasterRefused {
  const allowed = directories.length === 0 ? "names no directory" : `names ${directories.join(", ")}`;
  return new MasterRefused(
    `The config does not allow the file ${JSON.stringify(path.slice(0, 200))} on the master: onMaster.${option} ${allowed}.`,
  );
}

async function explained<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const why = explainFileError(error);
    if (why === undefined) throw error;
    throw new MasterRefused(`The file ${JSON.stringify(path.slice(0, 200))} on the master cannot be used: ${why}.`, {
      cause: error,
    });
  }
}
