import { createHash } from "node:crypto";
import { type ArtifactDownload, ArtifactRefused, type ArtifactStore } from "@multimaster/plugins";

interface Expected {
  readonly name: string;
  readonly key: string;
  readonly size: number;
  readonly sha256: string;
}

/**
 * The bytes of an object as a worker reads them. The last block is passed on only after the checksum of all of them was
 * right: no reader takes wrong bytes for a whole file.
 */
export function createCheckedDownload(store: ArtifactStore, expected: Expected, signal: AbortSignal): ArtifactDownload {
  const hash = createHash("sha256");
  let source: AsyncIterator<Uint8Array> | undefined;
  let rest: Uint8Array = new Uint8Array();
  let size = 0;
  let isComplete = false;

  const refuse = () =>
    new ArtifactRefused(
      `${JSON.stringify(expected.name)} is damaged in the artifact store: its bytes are not those that were uploaded (checksum).`,
    );

  /** The next block of the store that is followed by another, or proven to be the right end. */
  async function readBlock(): Promise<Uint8Array> {
    source ??= (await store.read(expected.key, signal))[Symbol.asyncIterator]();
    for (;;) {
      const { done, value } = await source.next();
      if (done === true) {
        if (size !== expected.size) throw refuse();
        return new Uint8Array();
      }
      hash.update(value);
      size += value.length;
      if (size > expected.size || (size === expected.size && hash.copy().digest("hex") !== expected.sha256))
        throw refuse();
      if (value.length > 0) return value;
    }
  }

  return {
    async read(length) {
      if (rest.length === 0 && !isComplete) {
        rest = await readBlock();
        isComplete = rest.length === 0;
      }
      const block = rest.subarray(0, length);
      rest = rest.subarray(length);
      return block;
    },
    async close() {
      rest = new Uint8Array();
      isComplete = true;
      await source?.return?.();
    },
  };
}
