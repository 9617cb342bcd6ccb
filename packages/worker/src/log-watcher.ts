import { type FileHandle, open, stat } from "node:fs/promises";
import { explainFileError } from "@multimaster/core";
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
  #isUnreadable = false;
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
    this.#reading = this.#reading.then(() => this.#readNew()).catch((error: unknown) => this.#sayUnreadable(error));
  }

  /** Once: what cannot be read is tried again, but not said again. */
  #sayUnreadable(error: unknown): void {
    // One that was removed meanwhile may come again.
    if (this.#isUnreadable || (error as NodeJS.ErrnoException).code === "ENOENT") return;
    this.#isUnreadable = true;
    const { name, path } = this.#file;
    this.#output.header(
      `the log file "${name}" cannot be read: ${path}: ${explainFileError(error) ?? String(error)}\n`,
    );
  }

  async #readNew(): Promise<void> {
    const now = await readState(this.#file.path);
    if (now === undefined) return;
    if (now.isDirectory) throw Object.assign(new Error("is a directory"), { syscall: "read", code: "EISDIR" });
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

async function readState(path: string): Promise<{ size: number; changed: number; isDirectory: boolean } | undefined> {
  try {
    const state = await stat(path);
    return { size: state.size, changed: state.ctimeMs, isDirectory: state.isDirectory() };
  } catch {
    return undefined;
  }
}
