import type { IncomingMessage } from "node:http";
import { errors } from "@multimaster/core";

/** Reads a request's body as it was sent; too long a one is refused before it is in memory. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > maxBytes) throw errors.bodyTooLarge(maxBytes);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
