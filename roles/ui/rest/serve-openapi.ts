import type { UiSlice } from "@multimaster/config";
import { describeApi } from "@multimaster/data";
import type Koa from "koa";
import type { RoleContext } from "../../define-role.ts";
import { type ApiDescription, renderApi } from "./render-api.ts";

/** Describes the API, for programs at `/api/v2/openapi.json` and for people at `/api/v2/openapi`. */
export function serveOpenApi({ config }: RoleContext<UiSlice>): Koa.Middleware {
  let description: ApiDescription | undefined;
  // Described at the first request: that takes longer than all else at the start of a ui, and few are asked.
  const describe = () => {
    const server = `${pathOf(config.shared.url)}api/v2`;
    return (description ??= describeApi({
      title: config.own.title,
      version: "2",
      server,
    }) as unknown as ApiDescription);
  };
  const answers: Readonly<Record<string, { readonly type: string; text(): string }>> = {
    "/api/v2/openapi.json": { type: "application/json; charset=utf-8", text: () => JSON.stringify(describe()) },
    "/api/v2/openapi": { type: "text/html; charset=utf-8", text: () => renderApi(config.own.title, describe()) },
  };
  return async (ctx, next) => {
    const path = ctx.path.replace(/^\/api\/latest\//, "/api/v2/");
    const answer = Object.hasOwn(answers, path) ? answers[path] : undefined;
    if (!answer || (ctx.method !== "GET" && ctx.method !== "HEAD")) return next();
    ctx.set({
      "Content-Type": answer.type,
      "Cache-Control": "private, max-age=300",
      "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
      "X-Content-Type-Options": "nosniff",
    });
    ctx.body = answer.text();
  };
}

/** The path below which users find the ui, with a slash at its end. */
function pathOf(url: string | undefined): string {
  return url === undefined ? "/" : new URL(url).pathname;
}
