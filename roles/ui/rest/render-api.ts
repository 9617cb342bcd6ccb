import type { Json } from "@multimaster/core";
import { escapeXml } from "../status/escape-xml.ts";

/** The parts of the description that the page shows. */
export interface ApiDescription {
  readonly paths: Readonly<
    Record<string, { readonly parameters?: readonly Parameter[]; readonly get: Operation; readonly post?: Operation }>
  >;
}

interface Parameter {
  readonly name: string;
  readonly description: string;
}

interface Operation {
  readonly tags: readonly string[];
  readonly summary: string;
  readonly parameters?: readonly Parameter[];
  readonly responses: Readonly<Record<string, Json>>;
}

const style = `body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}
code{font-family:ui-monospace,monospace}details{border-bottom:1px solid #8884;padding:.3rem 0}summary{cursor:pointer}
b{display:inline-block;min-width:3.2rem}li span{opacity:.7}`;

/** Renders the API as a page: without scripts and external resources. */
export function renderApi(title: string, { paths }: ApiDescription): string {
  const byTag = new Map<string, [string, ApiDescription["paths"][string]][]>();
  for (const entry of Object.entries(paths)) {
    const tag = entry[1].get.tags[0] ?? "";
    byTag.set(tag, [...(byTag.get(tag) ?? []), entry]);
  }
  const sections = [...byTag]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([tag, entries]) => {
      const shown = entries.map(([path, { parameters = [], get, post }]) => {
        const own = [...parameters, ...(get.parameters ?? [])];
        const list = own.map(
          ({ name, description }) => `<li><code>${escapeXml(name)}</code> <span>${escapeXml(description)}</span></li>`,
        );
        return `<details><summary><b>GET</b> <code>${escapeXml(path)}</code> – ${escapeXml(get.summary)}</summary><ul>${list.join("")}</ul></details>${
          post
            ? `<details open><summary><b>POST</b> <code>${escapeXml(path)}</code> – ${escapeXml(post.summary)}</summary></details>`
            : ""
        }`;
      });
      return `<h2 id="${escapeXml(tag)}">${escapeXml(tag)}</h2>${shown.join("\n")}`;
    });
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,"><title>${escapeXml(title)} REST API</title><style>${style}</style></head>
<body><h1>${escapeXml(title)} REST API</h1>
<p>All paths are below <code>/api/v2</code>. For programs: <a href="openapi.json">openapi.json</a>.</p>
${sections.join("\n")}</body></html>
`;
}
