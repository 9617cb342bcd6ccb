import type { ObjectWriter } from "../../define-artifact-store.ts";
import type { S3Client } from "./client.ts";

/** The smallest part that S3 takes, but for the last one. */
const smallestPart = 5 * 1024 * 1024;
/** S3 takes no more parts than 10,000: they become larger, so that an object may be larger than 48 GiB. */
const partsOfSize = 2000;

/** Writes an object: a small one in one request, a larger one part by part, of which one is in memory. */
export class MultipartWriter implements ObjectWriter {
  #client: S3Client;
  #name: string;
  #signal: AbortSignal;
  #part: Buffer = Buffer.alloc(0);
  #filled = 0;
  #uploadId: string | undefined;
  #tags: string[] = [];
  #size = 0;

  constructor(client: S3Client, name: string, signal: AbortSignal) {
    this.#client = client;
    this.#name = name;
    this.#signal = signal;
  }

  async write(block: Uint8Array): Promise<void> {
    this.#size += block.length;
    for (let at = 0; at < block.length; ) {
      this.#makeRoom(block.length - at);
      const piece = block.subarray(at, at + this.#part.length - this.#filled);
      this.#part.set(piece, this.#filled);
      this.#filled += piece.length;
      at += piece.length;
      if (this.#filled === this.#partSize()) await this.#sendPart();
    }
  }

  async finish(): Promise<void> {
    const last = this.#part.subarray(0, this.#filled);
    if (this.#uploadId === undefined) return this.#client.put(this.#name, last, this.#signal);
    if (last.length > 0) await this.#sendPart();
    const object = { tags: this.#tags, size: this.#size };
    await this.#client.completeUpload(this.#name, this.#uploadId, object, this.#signal);
  }

  async discard(): Promise<void> {
    if (this.#uploadId !== undefined) await this.#client.abortUpload(this.#name, this.#uploadId).catch(() => undefined);
  }

  #partSize(): number {
    return smallestPart * 2 ** Math.floor(this.#tags.length / partsOfSize);
  }

  /** Grows with the object, so that ten small ones at a time need little memory. */
  #makeRoom(bytes: number): void {
    if (this.#filled < this.#part.length) return;
    const size = Math.min(this.#partSize(), Math.max(64 * 1024, this.#filled * 2, bytes));
    const larger = Buffer.allocUnsafeSlow(Math.max(size, this.#filled + 1));
    larger.set(this.#part.subarray(0, this.#filled));
    this.#part = larger;
  }

  async #sendPart(): Promise<void> {
    this.#uploadId ??= await this.#client.beginUpload(this.#name, this.#signal);
    const number = this.#tags.length + 1;
    const part = this.#part.subarray(0, this.#filled);
    this.#tags.push(await this.#client.putPart(this.#name, this.#uploadId, number, part, this.#signal));
    this.#filled = 0;
    if (this.#part.length > this.#partSize()) this.#part = Buffer.alloc(0);
  }
}
