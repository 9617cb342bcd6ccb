import { createHash } from "node:crypto";
import type Koa from "koa";

/** What a page may load and do, unless its answer sets another policy. */
const policy: Readonly<Record<string, string>> = {
  "default-src": "'self'",
  "script-src": "'self'",
  "style-src": "'self' 'unsafe-inline'",
  "img-src": "'self' data: blob: https:",
  "font-src": "'self' data:",
  "object-src": "'none'",
  "base-uri": "'self'",
  "form-action": "'self'",
  "frame-ancestors": "'self'",
};

/** Headers that disable browser features that our pages do not need; each answer may override them. */
export function secureHeaders(url: string | undefined): Koa.Middleware {
  const headers = securityHeaders(url);
  return async (ctx, next) => {
    ctx.set(headers);
    await next();
  };
}

export function securityHeaders(url: string | undefined): Record<string, string> {
  return {
    "Content-Security-Policy": writePolicy(policy),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    ...(url?.startsWith("https:") ? { "Strict-Transport-Security": "max-age=31536000" } : {}),
  };
}

/** Permits this one inline script in a page, given the text between its tags. */
export function allowInlineScript(ctx: Koa.Context, script: string): void {
  const hash = createHash("sha256").update(script).digest("base64");
  ctx.set(
    "Content-Security-Policy",
    writePolicy({ ...policy, "script-src": `${policy["script-src"]} 'sha256-${hash}'` }),
  );
}

function writePolicy(directives: Readonly<Record<string, string>>): string {
  return Object.entries(directives)
    .map(([name, value]) => `${name} ${value}`)
    .join("; ");
}
