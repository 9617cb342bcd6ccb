import { Readable } from "node:stream";
import type { UiSlice } from "@multimaster/config";
import { errors, onAbort, Results, UserError } from "@multimaster/core";
import type { ArtifactRow } from "@multimaster/data";
import { type ArtifactStore, openArtifactStore } from "@multimaster/plugins";
import type Koa from "koa";
import type { RoleContext } from "../../define-role.ts";
import type { Access } from "../access/access.ts";
import { refusedRead } from "../rest/answer-headers.ts";
import { splitPath } from "../rest/api-path.ts";
import { parseRange } from "../rest/byte-range.ts";

/** The builds that links to the latest artifact lead to. */
const goodResults = [Results.SUCCESS, Results.WARNINGS];

/**
 * Downloads of artifacts, under the rights of their builds: `/artifacts/ARTIFACTID/NAME`, and of the newest good build that has such an
 * artifact `/artifacts/latest/BUILDER/NAME` or `/artifacts/latest/BUILDER/@BRANCH/NAME`.
 */
export function serveArtifacts(
  context: RoleContext<UiSlice>,
  access: Pick<Access, "identify" | "checkRead">,
): Koa.Middleware {
  const { config, data, clock, log } = context;
  const { artifacts } = config.shared;
  const store = artifacts && openArtifactStore(artifacts.store, { configDirectory: config.directory, clock });

  async function find(path: readonly string[]): Promise<ArtifactRow | undefined> {
    // No name has one, and no database takes it.
    if (path.some((part) => part.includes("\0"))) return undefined;
    const [first = "", ...rest] = path;
    if (first === "latest") return findLatest(rest);
    const row = /^\d{1,9}$/.test(first) ? await data.updates.artifacts.read(Number(first)) : undefined;
    // The name is there for people and programs that keep it; a wrong one must not look right.
    return row && (rest.length === 0 || rest.join("/") === row.name) ? row : undefined;
  }

  async function findLatest([builder = "", second = "", ...more]: readonly string[]): Promise<ArtifactRow | undefined> {
    const branch = second.startsWith("@") ? second.slice(1) : undefined;
    const name = (branch === undefined ? [second, ...more] : more).join("/");
    if (name === "") return undefined;
    const { findBuild, readNamed } = data.updates.artifacts;
    const buildid = await findBuild({ builder, branch, name, results: goodResults });
    return buildid === undefined ? undefined : readNamed(buildid, name);
  }

  return async (ctx) => {
    if (ctx.method !== "GET" && ctx.method !== "HEAD") return refuse(ctx, 405, "artifacts can only be read");
    const path = splitPath(ctx.path.replace(/^\/artifacts\//, ""));
    try {
      access.checkRead(await access.identify(ctx.req), ["artifacts"]);
      const row = await find(path);
      if (row === undefined) throw errors.notFound(`There is no artifact at ${path.join("/")}.${explainPath(path)}`);
      if (store === undefined) throw errors.notFound("This master's config names no artifact store (artifacts).");
      await send(ctx, row, store, path[0] === "latest", (error) =>
        log.error({ err: error, artifactid: row.artifactid }, "an artifact could not be sent to its end"),
      );
    } catch (error) {
      if (error instanceof UserError) return refuse(ctx, error.status, error.message);
      log.error({ err: error, path: ctx.path }, "an artifact could not be read");
      refuse(ctx, 502, "the artifact store does not deliver this artifact");
    }
  };
}

/** A build's id in its place is the usual mistake. */
function explainPath([first]: readonly string[]): string {
  return first === "latest" ? "" : " The address is /artifacts/ARTIFACTID/NAME, with the artifact's own id.";
}

async function send(
  ctx: Koa.Context,
  row: ArtifactRow,
  store: ArtifactStore,
  isLatest: boolean,
  onError: (error: unknown) => void,
): Promise<void> {
  const { key, size } = row;
  const tag = `"${row.sha256}"`;
  ctx.set({
    ...downloadHeaders(row.name),
    ETag: tag,
    "Accept-Ranges": "bytes",
    // An artifact never changes, but who may read it can, and what is the latest.
    "Cache-Control": isLatest ? "private, no-cache" : "private, max-age=0, must-revalidate",
    // It is not compressed: clients count its bytes, and ask for ranges of them.
    "Content-Encoding": "identity",
  });
  ctx.compress = false;
  ctx.status = 200;
  if (ctx.fresh) {
    ctx.status = 304;
    return;
  }
  const condition = ctx.get("If-Range");
  const asked = condition !== "" && condition !== tag ? undefined : parseRange(ctx.get("Range"), size);
  if (asked === "none") {
    ctx.status = 416;
    ctx.set("Content-Range", `bytes */${size}`);
    ctx.body = "";
    return;
  }
  if (asked !== undefined) {
    ctx.status = 206;
    ctx.set("Content-Range", `bytes ${asked.first}-${asked.last}/${size}`);
  }
  const length = String(asked === undefined ? size : asked.last - asked.first + 1);
  if (ctx.method === "HEAD" || size === 0) {
    const { status } = ctx;
    // An empty body would change the status, and forget the length.
    ctx.body = ctx.method === "HEAD" ? null : "";
    ctx.status = status;
    ctx.set("Content-Length", length);
    return;
  }
  const gone = new AbortController();
  ctx.res.once("close", () => gone.abort());
  const body = Readable.from(await store.read(key, gone.signal, asked), {
    objectMode: false,
    highWaterMark: 256 * 1024,
  });
  onAbort(gone.signal, () => body.destroy());
  body.on("error", (error) => {
    if (!gone.signal.aborted) onError(error);
    // The status has been sent: only cutting the connection can show that the answer is incomplete.
    ctx.res.destroy();
  });
  ctx.body = body;
  ctx.set("Content-Length", length);
}

/** A build may have written anything: a browser saves it, and never shows or runs it as a page of ours. */
function downloadHeaders(name: string): Record<string, string> {
  const last = name.split("/").at(-1) ?? name;
  const plain = last.replaceAll(/[^\w.+ -]/g, "_");
  return {
    "Content-Type": "application/octet-stream",
    "Content-Disposition": `attachment; filename="${plain}"; filename*=UTF-8''${encodeURIComponent(last).replaceAll(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16)}`)}`,
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
  };
}

const ofArtifact = [
  "Content-Disposition",
  "ETag",
  "Accept-Ranges",
  "Content-Range",
  "Content-Encoding",
  "Content-Length",
  "Cache-Control",
];

function refuse(ctx: Koa.Context, status: number, message: string): void {
  const { headers, body } = refusedRead(message);
  // Those of an artifact that is not sent: a client would keep this answer, or go on from it, as if it were that.
  for (const name of ofArtifact) ctx.remove(name);
  ctx.status = status;
  ctx.set(headers);
  if (status === 401) ctx.set("WWW-Authenticate", "Bearer");
  ctx.body = body;
}
