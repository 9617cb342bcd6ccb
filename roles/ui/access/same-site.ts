import type { IncomingMessage } from "node:http";
import type { ClusterConfig } from "@multimaster/config";
import { createOriginCheck } from "../rest/cors.ts";

/**
 * Returns the origin of the page that made a browser send a request, if it belongs to another site. Then credentials that the
 * browser adds by itself (a session, a proxy's login) must not count. Programs send neither header.
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
