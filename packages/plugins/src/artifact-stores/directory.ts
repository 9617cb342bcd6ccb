import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, opendir, rename, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { explainFileError } from "@multimaster/core";
import { z } from "zod";
import {
  type ArtifactStore,
  ArtifactStoreFailed,
  checkKey,
  defineArtifactStore,
  type ObjectWriter,
} from "../define-artifact-store.ts";

const options = z.strictObject({
  path: z
    .string()
    .min(1)
    .describe("Relative to the config file. With several hosts, a directory that all of them share (NFS or the like)."),
});

/** Ends the name of a file that is not complete. */
const unfinished = ".part";

/** Keeps artifacts as files in a directory: `directory({ path: "/srv/artifacts" })`. */
export default defineArtifactStore({
  type: "directory",
  options,
  open: ({ configDirectory }, { path }) => new DirectoryStore(resolve(configDirectory, path)),
});

class DirectoryStore implements ArtifactStore {
  readonly description: string;
  #root: string;

  constructor(root: string) {
    this.#root = root;
    this.description = `the directory ${root}`;
  }

  async create(key: string): Promise<ObjectWriter> {
    const path = this.#pathOf(key);
    const part = `${path}${unfinished}`;
    const file = await this.#explain(async () => {
      await mkdir(dirname(path), { recursive: true });
      return open(part, "w", 0o640);
    });
    return {
      write: (block) => this.#explain(() => writeAll(file, block)),
      finish: () =>
        this.#explain(async () => {
          await file.sync();
          await file.close();
          // A name that appears only when all of its bytes are on the disk.
          await rename(part, path);
          await syncDirectory(dirname(path));
        }),
      discard: async () => {
        await file.close().catch(() => undefined);
        await rm(part, { force: true }).catch(() => undefined);
      },
    };
  }

  async read(
    key: string,
    signal: AbortSignal,
    range?: { first: number; last: number },
  ): Promise<AsyncIterable<Uint8Array>> {
    const path = this.#pathOf(key);
    return this.#explain(async () => {
      // So that a missing file is reported before the first byte is wanted.
      await stat(path);
      const part = range === undefined ? {} : { start: range.first, end: range.last };
      return createReadStream(path, { ...part, signal, highWaterMark: 64 * 1024 }) as AsyncIterable<Uint8Array>;
    });
  }

  async remove(key: string): Promise<void> {
    const path = this.#pathOf(key);
    await this.#explain(async () => {
      // First what a writer could still rename: afterwards no object can appear.
      await rm(`${path}${unfinished}`, { force: true });
      await rm(path, { force: true });
    });
  }

  async *list(signal: AbortSignal): AsyncGenerator<{ key: string; size: number }> {
    const root = await this.#explain(() => opendir(this.#root)).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw error;
    });
    for await (const folder of root) {
      if (!folder.isDirectory() || !/^[a-z0-9]{2}$/.test(folder.name)) continue;
      for await (const file of await this.#explain(() => opendir(join(this.#root, folder.name)))) {
        signal.throwIfAborted();
        const key = `${folder.name}/${file.name}`;
        const found = await stat(join(this.#root, key)).catch(() => undefined);
        if (found?.isFile()) yield { key, size: found.size };
      }
    }
  }

  #pathOf(key: string): string {
    return join(this.#root, checkKey(key));
  }

  async #explain<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      const why = explainFileError(error);
      if (why === undefined) throw error;
      throw new ArtifactStoreFailed(`the artifact store, ${this.description}, failed: ${why}`, { cause: error });
    }
  }
}

async function writeAll(file: FileHandle, block: Uint8Array): Promise<void> {
  for (let at = 0; at < block.length; ) at += (await file.write(block, at)).bytesWritten;
}

/** A renamed file survives a loss of power only with its directory. Not every file system lets directories be synchronized. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r").catch(() => undefined);
  await directory?.sync().catch(() => undefined);
  await directory?.close();
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && (error.cause as NodeJS.ErrnoException | undefined)?.code === "ENOENT";
}
