import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { UiSlice } from "@multimaster/config";
import { UserError } from "@multimaster/core";
import type { RoleContext } from "../../define-role.ts";
import type { Access } from "../access/access.ts";
import { securityHeaders } from "../http/security-headers.ts";
import type { MeasureRequest } from "../metrics.ts";
import { cacheControlOf, jsonType, refusedRead } from "./answer-headers.ts";
import { splitPath } from "./api-path.ts";
import type { TextReads } from "./read-text.ts";

export interface DirectReadsOptions {
  readonly context: RoleContext<UiSlice>;
  readonly access: Pick<Access, "identify" | "checkRead">;
  readonly reads: TextReads;
  readonly measure: MeasureRequest;
  /** Whether a route before that of the API answers this path. */
  readonly isOther: (path: string) => boolean;
  /** Answers all other requests. */
  readonly otherwise: RequestListener;
}

const prefix = "/api/v2/";

/**
 * Answers the most frequent requests without the layers of the app: programs that read JSON, uncompressed, of what the
 * database writes as text. Rights, headers and figures are those of the app's route.
 */
export function createDirectReads(options: DirectReadsOptions): RequestListener {
  const { context, access, reads, measure, isOther, otherwise } = options;
  const { own, shared } = context.config;
  const cacheControl = cacheControlOf(own.jsonCacheSeconds);
  const common = securityHeaders(shared.url);

  async function answer(request: IncomingMessage, response: ServerResponse, path: string[], query: string) {
    try {
      const visitor = await access.identify(request);
      access.checkRead(visitor, path);
      const found = await reads.readDirectly(request.url as string, path, new URLSearchParams(query));
      if (!found) return otherwise(request, response);
      measure(request, response);
      const { text, tag } = found;
      const head = {
        ...common,
        "Cache-Control": cacheControl,
        "Content-Type": jsonType,
        Vary: "Accept, Accept-Encoding",
        ETag: tag,
      };
      if (isSame(request.headers["if-none-match"], tag)) return void response.writeHead(304, head).end();
      response.writeHead(200, { ...head, "Content-Length": Buffer.byteLength(text) }).end(text);
    } catch (error) {
      // The app answers a refusal of the visitor, with the headers that belong to it.
      if (!(error instanceof UserError) || error.status !== 404) return otherwise(request, response);
      measure(request, response);
      const { headers, body } = refusedRead(error.message);
      response
        .writeHead(error.status, {
          ...common,
          ...headers,
          Vary: "Accept-Encoding",
          "Content-Length": Buffer.byteLength(body),
        })
        .end(body);
    }
  }

  return (request, response) => {
    const { url = "", headers } = request;
    if (request.method !== "GET" || !url.startsWith(prefix) || !isPlain(headers)) return otherwise(request, response);
    const at = url.indexOf("?");
    const path = at < 0 ? url : url.slice(0, at);
    if (isOther(path)) return otherwise(request, response);
    void answer(request, response, splitPath(path.slice(prefix.length)), at < 0 ? "" : url.slice(at + 1));
  };
}

/** Whether a program asks for JSON: browsers accept compression, and pages of other sites name their origin. */
function isPlain(headers: IncomingMessage["headers"]): boolean {
  const encodings = headers["accept-encoding"];
  return (
    headers.origin === undefined &&
    (encodings === undefined || encodings === "identity") &&
    (headers.accept ?? "").includes("application/json") &&
    !(headers["cache-control"] ?? "").includes("no-cache")
  );
}

function isSame(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === "*") return true;
  const plain = tag.replace(/^W\//, "");
  return header.split(",").some((each) => each.trim().replace(/^W\//, "") === plain);
}
