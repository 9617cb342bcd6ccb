import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { withTimeLimit } from "@multimaster/core";

/** A server of containers, and how it is reached. */
export interface ServerOptions {
  /** "https://host:port", "http://host:port" or "unix:///path/of/the/socket". */
  readonly url: string;
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface ServerRequest {
  readonly method: string;
  readonly path: string;
  readonly body?: object | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers that are longer are not read: nothing that is asked here has any. */
const longestAnswer = 16 * 1024 * 1024;

/** Sends one request and reads the whole answer; any status is an answer. */
export async function askServer(
  server: ServerOptions,
  request: ServerRequest,
): Promise<{ status: number; bytes: Buffer }> {
  return withTimeLimit(server.timeoutMs, server.signal, async (signal) => {
    const answer = await send(server, request, signal);
    return { status: answer.statusCode ?? 0, bytes: await readBytes(answer, signal) };
  });
}

/** JSON, or undefined if the text is something else, such as the page of a proxy. */
export function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function send(server: ServerOptions, request: ServerRequest, signal: AbortSignal): Promise<IncomingMessage> {
  const { url, ca, cert, key } = server;
  const { method, path, body, headers = {} } = request;
  const isSocket = url.startsWith("unix:");
  const start = url.startsWith("https:") ? httpsRequest : httpRequest;
  const base = isSocket ? "http://localhost" : url.replace(/\/$/, "");
  const text = body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const asked = start(`${base}${path}`, {
      method,
      signal,
      ...(isSocket && { socketPath: url.slice("unix://".length) }),
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
      // One connection for one request: nothing stays open when the engine stops.
      agent: false,
      headers: {
        ...headers,
        ...(text !== undefined && {
          "content-type": "application/json",
          "content-length": String(Buffer.byteLength(text)),
        }),
      },
    });
    asked.on("response", resolve);
    asked.on("error", reject);
    asked.end(text);
  });
}

async function readBytes(answer: IncomingMessage, signal: AbortSignal): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of answer as AsyncIterable<Buffer>) {
    signal.throwIfAborted();
    length += piece.length;
    if (length > longestAnswer) throw new Error("its answer is too long");
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
