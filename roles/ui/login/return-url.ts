/** The page to return to after logging in or out: always a page of this site, whatever the URL says. */
export interface ReturnAddress {
  /** A path of our own app. */
  readonly path: string | undefined;
  /** The part after `#`, the only part that Buildbot's frontend sends. */
  readonly fragment: string | undefined;
}

const longest = 2_000;

/** Reads `redirect` (Buildbot's: a fragment) and `return` (a path) from a login's URL. */
export function readReturnAddress(search: URLSearchParams): ReturnAddress {
  const fragment = search.get("redirect")?.slice(0, longest).replace(/^#/, "");
  return { path: localPath(search.get("return") ?? ""), fragment };
}

/** The return URL relative to `/auth/…`, so that it is valid under any name of the site. */
export function returnUrl({ path, fragment }: ReturnAddress): string {
  const place = path === undefined ? "../" : `..${path}`;
  return escapeOdd(fragment === undefined || fragment === "" ? place : `${place}#${fragment}`);
}

/** A path of this site; undefined if a browser might interpret it as another host's URL. */
function localPath(text: string): string | undefined {
  if (!/^\/(?![/\\])/.test(text) || /[\\\p{Cc}]/u.test(text)) return undefined;
  const here = new URL("http://here.invalid/");
  const url = new URL(text.slice(0, longest), here);
  if (url.origin !== here.origin) return undefined;
  return `/${(url.pathname + url.search).replace(/^\/+/, "")}${url.hash}`;
}

/** Escapes characters that could end a header line. A truncated text may end in half a surrogate pair. */
function escapeOdd(text: string): string {
  return text.replace(/\p{Surrogate}/gu, "\ufffd").replace(/[^\x21-\x7e]/gu, encodeURIComponent);
}
