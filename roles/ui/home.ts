import type { UiSlice } from "@multimaster/config";
import type Koa from "koa";
import type { RoleContext } from "../define-role.ts";
import { escapeXml } from "./status/escape-xml.ts";

const links = ["builders", "builds", "buildrequests", "changes", "workers", "schedulers", "masters"];

/** A plain page with links to the API, for a master without the browser app. */
export function serveHome({ config, master }: RoleContext<UiSlice>): Koa.Middleware {
  const title = escapeXml(config.own.title);
  const page = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title></head>
<body><h1>${title}</h1><p>Master ${escapeXml(master.name)}</p>
<p>The browser app was not built here: <code>npm run build -w packages/web</code> builds it. The API:</p>
<ul>${links.map((name) => `<li><a href="api/v2/${name}">${name}</a></li>`).join("")}
<li><a href="api/v2/application.spec">all paths</a></li></ul></body></html>
`;
  return async (ctx, next) => {
    if (ctx.path !== "/" || (ctx.method !== "GET" && ctx.method !== "HEAD")) return next();
    ctx.set("Content-Security-Policy", "default-src 'none'");
    ctx.type = "html";
    ctx.body = page;
  };
}
