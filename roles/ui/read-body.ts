import type { IncomingMessage } from "node:http";
import { errors } from "@multimaster/core";

/** Reads a request's body as it was sent; too long a one is refused before it is in memory. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let length = 0;
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) throw errors.bodyTooLarge(maxBytes);
  // Not destroyed when it is too long: the client is to read why.
  for await (const piece of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > maxBytes) throw errors.bodyTooLarge(maxBytes);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
