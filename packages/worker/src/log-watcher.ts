import { type FileHandle, open, stat } from "node:fs/promises";
import type { CommandOutput } from "./command-output.ts";

export interface WatchedFile {
  name: string;
  path: string;
  /** Sends only data appended after the start. */
  follow: boolean;
}

const pollMs = 1000;
const blockBytes = 65_536;

/** Sends a file that a command writes, as it grows. An existing file is sent from its first change on. */
export class LogWatcher {
  #file: WatchedFile;
  #output: CommandOutput;
  #onActivity: () => void;
  #before: { size: number; changed: number } | undefined;
  #position = 0;
  #changed = false;
  #timer: NodeJS.Timeout | undefined;
  #reading: Promise<void> = Promise.resolve();

  constructor(file: WatchedFile, output: CommandOutput, onActivity: () => void) {
    this.#file = file;
    this.#output = output;
    this.#onActivity = onActivity;
  }

  /** Records the state of the file before the command runs. */
  async start(): Promise<void> {
    this.#before = await readState(this.#file.path);
    if (this.#file.follow) this.#position = this.#before?.size ?? 0;
    this.#timer = setInterval(() => this.#poll(), pollMs);
  }

  /** Reads the remaining data. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#poll();
    await this.#reading;
  }

  #poll(): void {
    this.#reading = this.#reading.then(() => this.#readNew()).catch(() => undefined);
  }

  async #readNew(): Promise<void> {
    const now = await readState(this.#file.path);
    if (now === undefined) return;
    const { size, changed } = this.#before ?? {};
    this.#changed ||= now.size !== size || now.changed !== changed;
    if (!this.#changed) return;
    // The file was truncated or replaced: all of its content is new.
    if (now.size < this.#position) this.#position = 0;
    if (now.size === this.#position) return;
    const handle = await open(this.#file.path, "r");
    try {
      await this.#readBlocks(handle);
    } finally {
      await handle.close();
    }
  }

  async #readBlocks(handle: FileHandle): Promise<void> {
    const block = Buffer.allocUnsafe(blockBytes);
    for (;;) {
      const { bytesRead } = await handle.read(block, 0, blockBytes, this.#position);
      if (bytesRead === 0) return;
      this.#position += bytesRead;
      this.#onActivity();
      this.#output.write(this.#file.name, block.subarray(0, bytesRead));
      await this.#output.buffer.whenDrained();
    }
  }
}

async function readState(path: string): Promise<{ size: number; changed: number } | undefined> {
  try {
    const { size, ctimeMs } = await stat(path);
    return { size, changed: ctimeMs };
  } catch {
    return undefined;
  }
}
