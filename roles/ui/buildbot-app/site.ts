import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import { errors } from "@multimaster/core";

/** A file with the headers under which it is served. */
export interface SiteFile {
  readonly type: string;
  readonly body: Buffer;
  readonly etag: string;
}

/** Buildbot's frontend as installed by its Python wheels, unchanged. */
export interface Site {
  /** By path below the site, without a leading slash. */
  readonly files: ReadonlyMap<string, SiteFile>;
  readonly index: string;
  readonly version: string;
  /** Names of the views that are installed beside it. */
  readonly plugins: readonly string[];
}

/**
 * Loads the frontend and its views from the directory where pip installed them: `buildbot_www/static`, and
 * `buildbot_NAME/static/scripts.js` for each view. It is kept in memory, because it has only two megabytes.
 */
export async function loadSite(directory: string): Promise<Site> {
  const packages = await readdir(directory).catch(() => [] as string[]);
  const files = new Map<string, SiteFile>();
  await addFiles(files, join(directory, "buildbot_www", "static"), "");
  const index = files.get("index.html")?.body.toString("utf8");
  if (index === undefined) throw errors.frontendNotFound(directory);
  const plugins: string[] = [];
  for (const name of packages.toSorted()) {
    const plugin = /^buildbot_(\w+)$/.exec(name)?.[1];
    if (plugin === undefined || plugin === "www") continue;
    const own = new Map<string, SiteFile>();
    await addFiles(own, join(directory, name, "static"), `plugins/${plugin}/`);
    if (!own.has(`plugins/${plugin}/scripts.js`)) continue;
    plugins.push(plugin);
    // The page requests every plugin's styles; a plugin without styles gets an empty file.
    files.set(`plugins/${plugin}/styles.css`, siteFile(".css", Buffer.alloc(0)));
    for (const [path, file] of own) files.set(path, file);
  }
  const version = await readFile(join(directory, "buildbot_www", "VERSION"), "utf8").catch(() => "unknown");
  return { files, index, version: version.trim(), plugins };
}

async function addFiles(files: Map<string, SiteFile>, directory: string, prefix: string): Promise<void> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries.filter((each) => each.isFile() && !each.name.endsWith(".map"))) {
    const file = join(entry.parentPath, entry.name);
    const path = prefix + relative(directory, file).split(sep).join("/");
    files.set(path, siteFile(extname(entry.name), await readFile(file)));
  }
}

const types: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".woff": "font/woff",
  ".woff2": "font/woff2",
};

function siteFile(extension: string, body: Buffer): SiteFile {
  const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
  return { type: types[extension] ?? "application/octet-stream", body, etag };
}
