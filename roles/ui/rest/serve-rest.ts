import { Readable } from "node:stream";
import type { ClusterConfig, UiSlice } from "@multimaster/config";
import { type Json, UserError } from "@multimaster/core";
import { type Subject, sortedJson } from "@multimaster/data";
import type Koa from "koa";
import type { RoleContext } from "../../define-role.ts";
import type { Access } from "../access/access.ts";
import { unknownMethod } from "../access/refusals.ts";
import { anonymous, type Visitor } from "../access/visitor.ts";
import { readBody } from "../http/read-body.ts";
import { cacheControlOf, jsonType, refusedRead, textType } from "./answer-headers.ts";
import { splitPath } from "./api-path.ts";
import { isSmall, maxBodyOf } from "./call-sizes.ts";
import { createOriginCheck } from "./cors.ts";
import { answerCall } from "./json-rpc.ts";
import { type ReadAnswer, type TaggedText, type TextReads, tagged } from "./read-text.ts";
import { openRaw } from "./serve-raw.ts";
import { wrapPages, wrapText } from "./streamed-envelope.ts";

type Params = { readonly [key: string]: Json };

/** The action in the audit trail for a call that was refused before its body was read. */
const unread = "call";

/** REST v2 and its control calls below `/api` (docs/spec/data-api.md). */
export function serveRest(context: RoleContext<UiSlice>, access: Access, reads: TextReads): Koa.Middleware {
  const { config, data, log } = context;
  const isAllowed = createOriginCheck(config.own, config.shared);

  /** Records a refused action in the audit trail; nothing is recorded for objects that do not exist. */
  function noteRefusal(actor: Visitor, action: string, path: readonly string[], error: unknown): void {
    if (!(error instanceof UserError) || error.status === 404) return;
    const outcome = [401, 403].includes(error.status) ? "refused" : "failed";
    const known = action === unread || data.rest.has(path, action);
    const about = known ? { action, object: path.join("/") } : unknownMethod;
    access.refusals.note({ actor, ...about, outcome, detail: error.message });
  }

  /** Identifies the visitor; undefined if the request is already refused. */
  async function identify(ctx: Koa.Context, path: readonly string[]): Promise<Visitor | undefined> {
    let visitor: Visitor = { ...anonymous, address: access.address.of(ctx.req) };
    try {
      visitor = await access.identify(ctx.req);
      if (ctx.method === "POST") access.checkSameSite(ctx.req, visitor);
      return visitor;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      if (ctx.method === "POST") noteRefusal(visitor, unread, path, error);
      if (error.status === 401) ctx.set("WWW-Authenticate", "Bearer");
      answerError(ctx, error.status, error.message);
      return undefined;
    }
  }

  /** Performs the calls of the API after checking this visitor's rights. */
  const guard = (visitor: Visitor) => async (path: readonly string[], method: string, params: Params) => {
    const check = (about: () => Promise<Subject>, action = method) => access.checkAction(visitor, path, action, about);
    try {
      // An action's answer reveals whether the object exists, so the visitor must be allowed to read it.
      access.checkRead(visitor, path);
      return await data.rest.call(path, method, params, { ...visitor, check });
    } catch (error) {
      noteRefusal(visitor, method, path, error);
      throw error;
    }
  };

  return async (ctx, next) => {
    if (ctx.path === "/api") return answerVersions(ctx, config.shared);
    const match = /^\/api\/(?:v2|latest)(?:\/(.*))?$/s.exec(ctx.path);
    if (!match) return next();
    const origin = ctx.get("Origin");
    if (origin !== "") {
      if (!isAllowed(origin, ctx.get("Host") || undefined)) return refuseOrigin(ctx, "invalid origin");
      ctx.set({
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Headers": "Content-Type",
        "Access-Control-Max-Age": "3600",
      });
      ctx.vary("Origin");
      if (ctx.method === "OPTIONS") return answerPreflight(ctx);
    }
    ctx.set("Cache-Control", cacheControlOf(config.own.jsonCacheSeconds));
    const path = splitPath(match[1]);
    if (ctx.method === "POST") {
      ctx.set("Cache-Control", "no-store");
      const visitor = await identify(ctx, path);
      if (!visitor) return;
      const read = async () => {
        if (!isSmall(ctx.req.headers["content-length"])) {
          // If the body is refused, the rest of this connection is not read.
          ctx.set("Connection", "close");
          try {
            access.checkAnyAction(visitor, path);
          } catch (error) {
            noteRefusal(visitor, unread, path, error);
            throw error;
          }
        }
        return readBody(ctx, maxBodyOf(path), access.address.shareOf(ctx.req));
      };
      const { status, body } = await answerCall(guard(visitor), ctx.req, read, path, log);
      ctx.status = status;
      ctx.set("Content-Type", "application/json");
      ctx.body = sortedJson(body);
      return;
    }
    if (ctx.method !== "GET" && ctx.method !== "HEAD") return answerError(ctx, 400, "invalid HTTP method");
    const visitor = await identify(ctx, path);
    if (!visitor) return;
    try {
      access.checkRead(visitor, path);
      await send(ctx, await reads.read(ctx.url, path, ctx.URL.searchParams, indentFor(ctx)), context);
    } catch (error) {
      if (error instanceof UserError) return answerError(ctx, error.status, error.message);
      log.error({ err: error, path: ctx.path }, "a read of the API failed");
      answerError(ctx, 500, "internal error");
    }
  };
}

function answerVersions(ctx: Koa.Context, { url }: ClusterConfig): void {
  const base = url === undefined ? `${ctx.protocol}://${ctx.host}/` : url;
  sendJson(ctx, tagged(sortedJson({ api_versions: { v2: `${base}api/v2` } }, indentFor(ctx))));
}

function answerPreflight(ctx: Koa.Context): void {
  if (!["GET", "POST", "HEAD"].includes(ctx.get("Access-Control-Request-Method").toUpperCase()))
    return refuseOrigin(ctx, "invalid method");
  ctx.status = 200;
  ctx.body = "";
}

function refuseOrigin(ctx: Koa.Context, message: string): void {
  const body: Json = ctx.method === "GET" || ctx.method === "HEAD" ? { error: message } : { error: { message } };
  ctx.status = 400;
  ctx.set("Content-Type", textType);
  ctx.body = sortedJson(body);
}

function answerError(ctx: Koa.Context, status: number, message: string): void {
  const { headers, body } = refusedRead(message);
  ctx.status = status;
  ctx.set(headers);
  ctx.body = body;
}

function wantsJson(ctx: Koa.Context): boolean {
  return ctx.get("Accept").includes("application/json");
}

/** Browsers and terminals get indented text, programs compact JSON. */
function indentFor(ctx: Koa.Context): number | undefined {
  return wantsJson(ctx) ? undefined : 2;
}

/** A client that has the same answer already gets 304. */
function sendJson(ctx: Koa.Context, { text, tag }: TaggedText): void {
  ctx.set("Content-Type", wantsJson(ctx) ? jsonType : textType);
  ctx.vary("Accept");
  ctx.set("ETag", tag);
  ctx.status = 200;
  if (ctx.fresh) ctx.status = 304;
  else ctx.body = text;
}

async function send(ctx: Koa.Context, answer: ReadAnswer, context: RoleContext<UiSlice>): Promise<void> {
  switch (answer.kind) {
    case "text":
      return sendJson(ctx, answer);
    case "pages":
    case "lines": {
      const indent = indentFor(ctx);
      ctx.set("Content-Type", indent === undefined ? jsonType : textType);
      ctx.status = 200;
      return sendStream(ctx, answer.kind === "lines" ? wrapText(answer, indent) : wrapPages(answer, indent), context);
    }
    case "raw": {
      const pieces = await openRaw(ctx, answer);
      if (pieces) sendStream(ctx, pieces, context);
    }
  }
}

/** Reads as fast as the client does; when one end fails, both end. */
function sendStream(ctx: Koa.Context, pieces: AsyncIterable<string | Buffer>, { log }: RoleContext<UiSlice>): void {
  const body = Readable.from(pieces, { objectMode: false, highWaterMark: 64 * 1024 });
  body.on("error", (error) => {
    log.error({ err: error, path: ctx.path }, "an answer could not be finished");
    // The status has been sent: only cutting the connection can show that the answer is incomplete.
    ctx.res.destroy();
  });
  ctx.res.once("close", () => body.destroy());
  ctx.body = body;
}
