import { promisify } from "node:util";
import * as zlib from "node:zlib";
import { decodeLz4 } from "./lz4.ts";

/** A chunk has at most 65,536 stored bytes; more than this unpacked is damage, or an attack. */
const maxUnpacked = 256 * 1024 * 1024;
/** One piece of output is one round through zlib's threads: chunks that we have merged are unpacked in one. */
const limit = { maxOutputLength: maxUnpacked, chunkSize: 65_536 + 1024 };

const inflate = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.inflate);
const brotli = promisify<Buffer, zlib.BrotliOptions, Buffer>(zlib.brotliDecompress);

type Decode = (stored: Buffer) => Promise<Buffer>;

// Part of Node since 22.15; this release also runs on 20.
const { zstdDecompress } = zlib as unknown as {
  zstdDecompress?: (data: Buffer, options: object, done: (error: Error | null, result: Buffer) => void) => void;
};

/** How chunks are stored, by the code in `logchunks.compressed` (docs/spec/database.md §4). */
const codecs: Readonly<Record<number, { name: string; decode: Decode | undefined }>> = {
  0: { name: "none", decode: async (stored) => stored },
  1: { name: "zlib", decode: (stored) => inflate(stored, limit) },
  2: { name: "bz2", decode: undefined },
  3: { name: "lz4", decode: async (stored) => decodeLz4(stored, maxUnpacked) },
  4: {
    name: "zstd",
    decode: zstdDecompress && ((stored) => promisify<Buffer, object, Buffer>(zstdDecompress)(stored, limit)),
  },
  5: { name: "brotli", decode: (stored) => brotli(stored, limit) },
};

/** Returns the text of a chunk, or one sentence that says why it cannot be read. */
export async function decompressChunk(stored: Buffer, code: number): Promise<Buffer | { problem: string }> {
  const codec = codecs[code];
  if (!codec) return { problem: `it is compressed with the unknown method ${code}` };
  if (!codec.decode) return { problem: `it is compressed with ${codec.name}, which this master cannot read` };
  try {
    return await codec.decode(stored);
  } catch {
    return { problem: `its ${codec.name} data is damaged` };
  }
}
