import { resolve } from "node:path";
import type { UiSlice } from "@multimaster/config";
import type { Json, Service } from "@multimaster/core";
import type Koa from "koa";
import type { RoleContext } from "../../define-role.ts";
import type { Access } from "../access/access.ts";
import { allowInlineScript } from "../http/security-headers.ts";
import { describeLogin } from "../login/who-am-i.ts";
import { drawInitials } from "../pictures/draw-initials.ts";
import { frontendConfig } from "./frontend-config.ts";
import { loadSite, type Site } from "./site.ts";

const placeholder = "<!-- BUILDBOT_CONFIG_PLACEHOLDER -->";

/** Buildbot's own web frontend, unchanged, served from the directory of its installed wheels. */
export interface BuildbotApp {
  readonly serve: Koa.Middleware;
  /** Loads the files at the start, so that a master without them does not start. */
  readonly service: Service;
}

export function createBuildbotApp(
  { config }: RoleContext<UiSlice>,
  /** Identifies the visitor and describes the login. */
  access: Access,
): BuildbotApp {
  const { own, shared, directory } = config;
  let site: Site | undefined;

  const serve: Koa.Middleware = async (ctx, next) => {
    if ((ctx.method !== "GET" && ctx.method !== "HEAD") || !site) return next();
    const found = site;
    // The page's links to icons begin with one slash too many.
    const wanted = ctx.path.replace(/^\/+/, "");
    if (wanted === "avatar") return sendAvatar(ctx);
    if (wanted === "" || wanted === "config") {
      const login = describeLogin(await access.identify(ctx.req), access);
      const about = frontendConfig(ctx, { own, shared, site: found, login });
      return wanted === "" ? sendIndex(ctx, found.index, about) : sendConfig(ctx, about);
    }
    const file = found.files.get(wanted);
    if (!file) return next();
    // The names of assets change with their content.
    ctx.set(
      "Cache-Control",
      wanted.startsWith("assets/") ? "public, max-age=31536000, immutable" : "public, max-age=0",
    );
    ctx.set({ ETag: file.etag, "X-Content-Type-Options": "nosniff" });
    ctx.status = 200;
    ctx.type = file.type;
    if (ctx.fresh) ctx.status = 304;
    else ctx.body = file.body;
  };
  return {
    serve,
    service: {
      name: "buildbot frontend",
      async start() {
        site = await loadSite(resolve(directory, own.path ?? "."));
      },
      async stop() {},
    },
  };
}

function sendIndex(ctx: Koa.Context, index: string, config: Json): void {
  const script = `window.buildbotFrontendConfig = ${JSON.stringify(config).replaceAll("<", "\\u003c")}`;
  allowInlineScript(ctx, script);
  ctx.set("Cache-Control", "private, no-cache");
  ctx.type = "html";
  ctx.body = index.replace(placeholder, () => `<script>${script}</script>`);
}

function sendConfig(ctx: Koa.Context, config: Json): void {
  ctx.set("Cache-Control", "private, no-cache");
  ctx.type = "json";
  ctx.body = JSON.stringify(config);
}

function sendAvatar(ctx: Koa.Context): void {
  const { searchParams } = ctx.URL;
  ctx.set({ "Cache-Control": "public, max-age=86400", "Content-Security-Policy": "default-src 'none'" });
  ctx.type = "image/svg+xml";
  ctx.body = drawInitials(searchParams.get("username") || searchParams.get("email") || "", searchParams.get("size"));
}
