import type Koa from "koa";

/** What a page may load and do unless it says otherwise itself. */
const policy = [
  "default-src 'self'",
  "img-src 'self' data: https:",
  "style-src 'self' 'unsafe-inline'",
  "object-src 'none'",
  "base-uri 'self'",
  "form-action 'self'",
  "frame-ancestors 'self'",
].join("; ");

/** Headers that keep browsers from what no page of ours needs; each answer may set its own. */
export function secureHeaders(url: string | undefined): Koa.Middleware {
  const headers: Record<string, string> = {
    "Content-Security-Policy": policy,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    ...(url?.startsWith("https:") ? { "Strict-Transport-Security": "max-age=31536000" } : {}),
  };
  return async (ctx, next) => {
    ctx.set(headers);
    await next();
  };
}
