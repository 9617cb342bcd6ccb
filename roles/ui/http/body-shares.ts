import { AddressShares } from "@multimaster/core";

/** Memory is divided in blocks of this size; a smaller rest counts as one. */
const blockBytes = 64 * 1024;

interface Block<T> {
  readonly body: T;
}

/** The memory that bodies being read occupy, by address: a network with many slow bodies makes way first. */
export class BodyShares<T> {
  readonly #blocks = new AddressShares<Block<T>>();
  readonly #of = new Map<T, { address: string; blocks: Block<T>[] }>();

  /** Sets the number of bytes that a body occupies. */
  set(address: string, body: T, bytes: number): void {
    const own = this.#of.get(body) ?? { address, blocks: [] };
    this.#of.set(body, own);
    while (own.blocks.length * blockBytes < bytes) {
      const block = { body };
      own.blocks.push(block);
      this.#blocks.add(address, block);
    }
  }

  delete(body: T): void {
    const own = this.#of.get(body);
    this.#of.delete(body);
    for (const block of own?.blocks ?? []) this.#blocks.delete(own?.address ?? "", block);
  }

  /** The body with the oldest block of the network and address that have the most. */
  oldestOfLargest(): T | undefined {
    return this.#blocks.oldestOfLargest()?.body;
  }
}
