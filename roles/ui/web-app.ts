import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import type { UiSlice } from "@multimaster/config";
import type Koa from "koa";
import type { RoleContext } from "../define-role.ts";
import { serveHome } from "./home.ts";
import { pictureService } from "./pictures/picture-address.ts";
import { escapeXml } from "./status/escape-xml.ts";

/** A file as it is sent: its name contains a hash of its content, so it never changes. */
interface Asset {
  readonly type: string;
  readonly plain: Buffer;
  /** The same file compressed, best first; created when the app was built. */
  readonly compressed: readonly { readonly encoding: string; readonly body: Buffer }[];
}

/** Only the app's own code runs; an HTML log is shown in a frame without rights. Pictures come from here, or also from a service. */
const writePolicy = (pictures: string | undefined) =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `img-src 'self' data:${pictures === undefined ? "" : ` ${pictures}`}`,
    "connect-src 'self' ws: wss:",
    "frame-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");

const encodings = [
  { encoding: "br", ending: ".br" },
  { encoding: "gzip", ending: ".gz" },
];

/** Paths for programs never get a page as answer. */
const notPages = /^\/(api|auth|ws|sse|change_hook|plugins|badges|artifacts|assets|picture|health|ready|metrics)(\/|$)/;

/** The browser app: its page for each of its paths, and its files. Without the app, a plain page. */
export function serveWebApp(context: RoleContext<UiSlice>): Koa.Middleware {
  const directory = join(dirname(createRequire(import.meta.url).resolve("@multimaster/web/package.json")), "dist");
  if (!existsSync(join(directory, "index.html"))) {
    context.log.warn("the browser app was not built (npm run build -w packages/web): a plain page is shown instead");
    return serveHome(context);
  }
  const { title, avatars } = context.config.own;
  const page = readFileSync(join(directory, "index.html"), "utf8")
    .replaceAll("%TITLE%", () => escapeXml(title))
    .replaceAll("%AVATARS%", pictureService(avatars) === undefined ? avatars : "service");
  const policy = writePolicy(pictureService(avatars));
  // Links to files are relative to the page, whatever path a proxy has put in front.
  const pageAt = (path: string) => page.replaceAll('"./assets/', `"${stepsUp(path)}assets/`);
  const assets = readAssets(join(directory, "assets"));

  return async (ctx, next) => {
    if (ctx.method !== "GET" && ctx.method !== "HEAD") return next();
    const asset = assets.get(ctx.path);
    if (asset) return sendAsset(ctx, asset);
    // Every request for a page gets the app, which reports unknown paths itself.
    if (
      notPages.test(ctx.path) ||
      !ctx.accepts("html") ||
      (ctx.path !== "/" && extname(ctx.path) !== "" && !ctx.get("Accept").includes("text/html"))
    )
      return next();
    ctx.set({
      "Cache-Control": "no-cache",
      "Content-Security-Policy": policy,
      "X-Content-Type-Options": "nosniff",
      "Referrer-Policy": "same-origin",
    });
    ctx.type = "html";
    ctx.body = pageAt(ctx.path);
  };
}

/** The relative path from a page to the root: `./` or several `../`. */
function stepsUp(path: string): string {
  return "../".repeat(path.split("/").length - 2) || "./";
}

function readAssets(directory: string): ReadonlyMap<string, Asset> {
  const names = readdirSync(directory);
  const plain = names.filter((name) => !encodings.some(({ ending }) => name.endsWith(ending)));
  return new Map(
    plain.map((name) => {
      const compressed = encodings
        .filter(({ ending }) => names.includes(name + ending))
        .map(({ encoding, ending }) => ({ encoding, body: readFileSync(join(directory, name + ending)) }));
      return [`/assets/${name}`, { type: extname(name), plain: readFileSync(join(directory, name)), compressed }];
    }),
  );
}

function sendAsset(ctx: Koa.Context, { type, plain, compressed }: Asset): void {
  ctx.set({ "Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff" });
  ctx.vary("Accept-Encoding");
  ctx.type = type;
  const accepted = compressed.find(({ encoding }) => ctx.acceptsEncodings(encoding, "identity") === encoding);
  if (accepted) ctx.set("Content-Encoding", accepted.encoding);
  ctx.body = accepted?.body ?? plain;
}
