import type { RestAnswer } from "@multimaster/data";
import type Koa from "koa";
import { cutRange, parseRange } from "./byte-range.ts";

type RawAnswer = RestAnswer & { kind: "raw" };

/** Serves logs and build data as files: whole, one range of them, or "not modified". Returns the body to send, if any. */
export async function openRaw(ctx: Koa.Context, answer: RawAnswer): Promise<AsyncIterable<Buffer> | undefined> {
  // Build data and HTML logs are untrusted: they never run as our own page.
  ctx.set({
    "Content-Type": answer.contentType,
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox",
    "Accept-Ranges": "bytes",
  });
  if (answer.disposition !== undefined) ctx.set("Content-Disposition", answer.disposition);
  const tag = answer.tag === undefined ? undefined : `"${answer.tag}"`;
  // A compressed body has other bytes, of which no range can be requested.
  if (tag !== undefined)
    ctx.set("ETag", ctx.acceptsEncodings("br", "gzip", "deflate", "identity") === "identity" ? tag : `W/${tag}`);
  ctx.status = 200;
  if (tag !== undefined && ctx.fresh) {
    ctx.status = 304;
    return undefined;
  }
  const header = ctx.get("Range");
  const condition = ctx.get("If-Range");
  if (header === "" || (condition !== "" && condition !== tag)) return answer.body;
  const size = await answer.size();
  const range = parseRange(header, size);
  if (range === undefined) return answer.body;
  if (range === "none") {
    ctx.status = 416;
    ctx.set("Content-Range", `bytes */${size}`);
    ctx.remove("Content-Disposition");
    ctx.set("Content-Type", "text/plain; charset=utf-8");
    ctx.body = "";
    return undefined;
  }
  ctx.status = 206;
  ctx.set("Content-Range", `bytes ${range.first}-${range.last}/${size}`);
  ctx.set("Content-Length", String(range.last - range.first + 1));
  const { start, body } = answer.from?.(range.first) ?? { start: 0, body: answer.body };
  return cutRange(body, range, start);
}
