import type { IncomingMessage } from "node:http";
import type { ClusterConfig } from "@multimaster/config";
import { createOriginCheck } from "../rest/cors.ts";

/**
 * The page that made a browser send this, when it is another site's. What a browser adds by itself (a session, a proxy's
 * login) must then not count. Programs send neither header.
 */
export function createSameSiteCheck(shared: Pick<ClusterConfig, "url">) {
  const isOurs = createOriginCheck({ allowedOrigins: [] }, shared);
  return (request: IncomingMessage): string | undefined => {
    const site = request.headers["sec-fetch-site"];
    const { origin, host } = request.headers;
    if (site === "same-origin" || site === "none") return undefined;
    if (origin !== undefined && isOurs(origin, host)) return undefined;
    if (origin === undefined && site === undefined) return undefined;
    return origin ?? String(site);
  };
}
