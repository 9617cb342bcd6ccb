import type { ClusterConfig, UiSlice } from "@multimaster/config";

/** Decides whose pages may call the API. Without an `Origin` a request comes from no page and is not restricted. */
export function createOriginCheck(
  { allowedOrigins }: Pick<UiSlice, "allowedOrigins">,
  { url }: Pick<ClusterConfig, "url">,
) {
  const patterns = allowedOrigins.map(globToRegExp);
  if (url !== undefined) patterns.push(globToRegExp(new URL(url).origin));
  return (origin: string, host: string | undefined): boolean => {
    const lower = origin.toLowerCase();
    if (patterns.some((pattern) => pattern.test(lower))) return true;
    // Our own page, under whatever name the browser reached us.
    return (
      url === undefined &&
      host !== undefined &&
      (lower === `http://${host.toLowerCase()}` || lower === `https://${host.toLowerCase()}`)
    );
  };
}

/** `*` and `?` as in file names. */
function globToRegExp(glob: string): RegExp {
  const source = glob
    .toLowerCase()
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`);
}
