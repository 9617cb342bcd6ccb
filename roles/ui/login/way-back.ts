/** Where somebody goes after logging in or out: a page of ours, whatever the address says. */
export interface WayBack {
  /** A path of our own app. */
  readonly path: string | undefined;
  /** The part after `#`, which is all that Buildbot's frontend names. */
  readonly fragment: string | undefined;
}

const longest = 2_000;

/** Reads `redirect` (Buildbot's: a fragment) and `return` (a path) of a login's address. */
export function readWayBack(search: URLSearchParams): WayBack {
  const fragment = search.get("redirect")?.slice(0, longest).replace(/^#/, "");
  return { path: localPath(search.get("return") ?? ""), fragment };
}

/** The address of that page as seen from `/auth/…`: relative, so that it is of the site by whatever name it was reached. */
export function wayBackUrl({ path, fragment }: WayBack): string {
  const place = path === undefined ? "../" : `..${path}`;
  return escapeOdd(fragment === undefined || fragment === "" ? place : `${place}#${fragment}`);
}

/** A path of this site, or nothing: what a browser might take for another host's address is none. */
function localPath(text: string): string | undefined {
  if (!/^\/(?![/\\])/.test(text) || /[\\\p{Cc}]/u.test(text)) return undefined;
  const here = new URL("http://here.invalid/");
  const url = new URL(text.slice(0, longest), here);
  if (url.origin !== here.origin) return undefined;
  return `/${(url.pathname + url.search).replace(/^\/+/, "")}${url.hash}`;
}

/** Nothing of an address may end a header's line. What was cut in the middle of a character has half of one at its end. */
function escapeOdd(text: string): string {
  return text.replace(/\p{Surrogate}/gu, "\ufffd").replace(/[^\x21-\x7e]/gu, encodeURIComponent);
}
