import type { ClusterConfig, UiSlice } from "@multimaster/config";
import { fitsGlob } from "@multimaster/core";

/** Decides which pages may call the API. A request without `Origin` comes from no page and is not restricted. */
export function createOriginCheck(
  { allowedOrigins }: Pick<UiSlice, "allowedOrigins">,
  { url }: Pick<ClusterConfig, "url">,
) {
  const patterns = allowedOrigins.map((glob) => glob.toLowerCase());
  if (url !== undefined) patterns.push(new URL(url).origin.toLowerCase());
  return (origin: string, host: string | undefined): boolean => {
    const lower = origin.toLowerCase();
    if (patterns.some((pattern) => fitsGlob(lower, pattern, { question: true }))) return true;
    // Our own page, under any host name.
    return (
      url === undefined &&
      host !== undefined &&
      (lower === `http://${host.toLowerCase()}` || lower === `https://${host.toLowerCase()}`)
    );
  };
}
