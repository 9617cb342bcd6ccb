import { createHash, type Hash, randomUUID } from "node:crypto";
import type { ArtifactRow, Data, NewArtifact } from "@multimaster/data";
import { ArtifactRefused, type ArtifactStore, type ArtifactWriter, type ObjectWriter } from "@multimaster/plugins";
import type { Persistence } from "../builds/persistence.ts";
import { checkArtifactName } from "./artifact-name.ts";

export interface StoredUploadOptions {
  readonly data: Data;
  readonly persistence: Persistence;
  readonly store: ArtifactStore;
  readonly upload: {
    readonly buildid: number;
    readonly stepid: number;
    readonly fromFork: boolean;
    readonly cacheScope?: string;
  };
  readonly maxSize: number;
  readonly maxFiles: number;
  /** Of a cache: the name is a key, which may be any text. */
  readonly isCache: boolean;
  readonly signal: AbortSignal;
}

/** Files up to this size wait in memory for others, so that many small ones need few transactions. */
const smallFile = 64 * 1024;
const mostSmallFiles = 100;
const mostSmallBytes = 4 * 1024 * 1024;
/** Objects that are written at the same time. */
const parallelObjects = 8;

interface SmallFile extends NewArtifact {
  readonly bytes: Uint8Array;
}

/**
 * One upload: rows first, then objects, then all rows become visible in one transaction. At any moment a row names what is in
 * the store, so that the clean-up finds it.
 */
export class StoredUpload {
  #options: StoredUploadOptions;
  readonly #uploadid = randomUUID();
  #names = new Set<string>();
  #small: SmallFile[] = [];
  #smallBytes = 0;
  #begun = false;
  #published = false;
  #open: LargeFile | undefined;

  constructor(options: StoredUploadOptions) {
    this.#options = options;
  }

  async add(name: string): Promise<ArtifactWriter> {
    const { isCache, maxFiles, maxSize } = this.#options;
    const checked = isCache ? name : checkArtifactName(name);
    if (this.#names.has(checked))
      throw new ArtifactRefused(`There are two files of the name ${JSON.stringify(checked)}.`);
    if (this.#names.size === maxFiles) throw new ArtifactRefused(`There are more than ${maxFiles} files (maxFiles).`);
    this.#names.add(checked);
    const hash = createHash("sha256");
    let blocks: Uint8Array[] | undefined = [];
    let size = 0;
    return {
      write: async (block) => {
        size += block.length;
        if (size > maxSize)
          throw new ArtifactRefused(`${JSON.stringify(checked)} is larger than ${maxSize} bytes (maxSize).`);
        hash.update(block);
        if (blocks === undefined) return this.#open?.write(block);
        blocks.push(block.slice());
        if (size <= smallFile) return;
        const first = blocks;
        blocks = undefined;
        this.#open = await this.#beginLarge(checked);
        for (const kept of first) await this.#open.write(kept);
      },
      end: async () => {
        if (blocks !== undefined) return this.#addSmall(checked, Buffer.concat(blocks), hash);
        await this.#open?.finish(size, hash);
        this.#open = undefined;
      },
    };
  }

  async publish(): Promise<readonly ArtifactRow[]> {
    const { data, persistence, upload } = this.#options;
    await this.#storeSmall();
    if (!this.#begun) return [];
    const rows = await persistence.write(`publish artifacts of build ${upload.buildid}`, () =>
      data.updates.artifacts.publish({ ...upload, uploadid: this.#uploadid }),
    );
    this.#published = true;
    return rows;
  }

  async discard(): Promise<void> {
    if (this.#published) return;
    const { data } = this.#options;
    await this.#open?.discard();
    // If the database does not take this, the end of the build shows the clean-up what is left.
    if (this.#begun) await data.updates.artifacts.abandon(this.#uploadid, "its upload failed").catch(() => undefined);
  }

  async #beginLarge(name: string): Promise<LargeFile> {
    const { store, signal, data, persistence } = this.#options;
    const key = newKey();
    await this.#begin([{ name, key }]);
    const writer = await store.create(key, signal);
    const stored = (facts: { size: number; sha256: string }) =>
      persistence.write(`note object ${key}`, () => data.updates.artifacts.stored(key, facts));
    return new LargeFile(writer, signal, stored);
  }

  async #addSmall(name: string, bytes: Uint8Array, hash: Hash): Promise<void> {
    this.#small.push({ name, key: newKey(), size: bytes.length, sha256: hash.digest("hex"), bytes });
    this.#smallBytes += bytes.length;
    if (this.#small.length >= mostSmallFiles || this.#smallBytes >= mostSmallBytes) await this.#storeSmall();
  }

  async #storeSmall(): Promise<void> {
    const { store, signal } = this.#options;
    const waiting = this.#small.splice(0);
    this.#smallBytes = 0;
    if (waiting.length === 0) return;
    await this.#begin(waiting.map(({ bytes: _, ...artifact }) => artifact));
    const next = waiting.values();
    let hasFailed = false;
    const storeNext = async () => {
      for (const { key, bytes } of next) {
        if (hasFailed) return;
        signal.throwIfAborted();
        const writer = await store.create(key, signal);
        try {
          await writer.write(bytes);
          await writer.finish();
        } catch (error) {
          await writer.discard();
          throw error;
        }
      }
    };
    const fail = (error: unknown) => {
      hasFailed = true;
      throw error;
    };
    // All have ended before this fails: nothing is written any more when the rows are abandoned.
    const ends = await Promise.allSettled(Array.from({ length: parallelObjects }, () => storeNext().catch(fail)));
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  }

  async #begin(wanted: readonly NewArtifact[]): Promise<void> {
    const { data, persistence, upload } = this.#options;
    this.#begun = true;
    await persistence.write(`begin artifacts of build ${upload.buildid}`, () =>
      data.updates.artifacts.begin({ ...upload, uploadid: this.#uploadid }, wanted),
    );
  }
}

/** A file that is written to the store while it comes in. */
class LargeFile {
  #writer: ObjectWriter;
  #signal: AbortSignal;
  #stored: (facts: { size: number; sha256: string }) => Promise<void>;

  constructor(
    writer: ObjectWriter,
    signal: AbortSignal,
    stored: (facts: { size: number; sha256: string }) => Promise<void>,
  ) {
    this.#writer = writer;
    this.#signal = signal;
    this.#stored = stored;
  }

  async write(block: Uint8Array): Promise<void> {
    this.#signal.throwIfAborted();
    await this.#writer.write(block);
  }

  async finish(size: number, hash: Hash): Promise<void> {
    await this.#writer.finish();
    await this.#stored({ size, sha256: hash.digest("hex") });
  }

  discard(): Promise<void> {
    return this.#writer.discard();
  }
}

/** A key of the store: nothing of it comes from outside. */
function newKey(): string {
  const id = randomUUID();
  return `${id.slice(0, 2)}/${id}`;
}
