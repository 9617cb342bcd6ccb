import { type Result, resultName } from "@multimaster/core";
import { builders, equals } from "@multimaster/data";
import type Koa from "koa";
import type { RoleContext } from "../../define-role.ts";
import { escapeXml } from "./escape-xml.ts";
import { latestBuild } from "./latest-build.ts";

const colours: Readonly<Record<string, string>> = {
  success: "#4c1",
  warnings: "#dfb317",
  failure: "#e05d44",
  skipped: "#a4a61d",
  exception: "#007ec6",
  retry: "#007ec6",
  running: "#007ec6",
  cancelled: "#9f9f9f",
  unknown: "#9f9f9f",
};

/** `/badges/BUILDER.svg`, and the path of Buildbot's plugin: the result of the latest build, for a README. */
export function serveBadges({ data }: RoleContext<unknown>): Koa.Middleware {
  async function statusOf(name: string): Promise<string> {
    const { rows } = await data.find(builders, { filters: [equals("name", name)] });
    const build = rows[0] && (await latestBuild(data, rows[0].builderid));
    if (!build) return "unknown";
    return build.complete ? (resultName(build.results as Result) ?? "unknown") : "running";
  }

  return async (ctx, next) => {
    const name = /^\/(?:plugins\/)?badges\/([^/]+)\.svg$/.exec(ctx.path)?.[1];
    if (name === undefined || (ctx.method !== "GET" && ctx.method !== "HEAD")) return next();
    const status = await statusOf(decode(name));
    const { searchParams } = ctx.URL;
    ctx.set({ "Cache-Control": "no-cache", "Content-Security-Policy": "default-src 'none'" });
    ctx.type = "image/svg+xml";
    ctx.body = drawBadge(
      { text: searchParams.get("left_text") ?? "Build Status", colour: safeColour(searchParams.get("left_color")) },
      { text: status, colour: colours[status] as string },
    );
  };
}

interface Half {
  readonly text: string;
  readonly colour: string;
}

/** Only a valid colour may appear in the picture. */
function safeColour(wanted: string | null): string {
  return wanted !== null && /^(#[0-9a-f]{3,8}|[a-z]+)$/i.test(wanted) ? wanted : "#555";
}

function drawBadge(left: Half, right: Half): string {
  const [leftWidth, rightWidth] = [widthOf(left.text), widthOf(right.text)];
  const width = leftWidth + rightWidth;
  const label = escapeXml(`${left.text}: ${right.text}`);
  const text = (half: Half, middle: number) =>
    `<text x="${middle}" y="14" text-anchor="middle">${escapeXml(half.text)}</text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="20" role="img" aria-label="${label}"><title>${label}</title><clipPath id="r"><rect width="${width}" height="20" rx="5"/></clipPath><g clip-path="url(#r)"><rect width="${leftWidth}" height="20" fill="${left.colour}"/><rect x="${leftWidth}" width="${rightWidth}" height="20" fill="${right.colour}"/></g><g fill="#fff" font-family="DejaVu Sans,Verdana,sans-serif" font-size="11">${text(left, leftWidth / 2)}${text(right, leftWidth + rightWidth / 2)}</g></svg>`;
}

/** The approximate width of a letter in the usual fonts. */
function widthOf(text: string): number {
  return Math.round([...text].length * 6.9 + 12);
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
