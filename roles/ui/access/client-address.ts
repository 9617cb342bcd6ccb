import type { IncomingMessage } from "node:http";
import { trustNetworks } from "@multimaster/config";

/** Whether a request comes through one of our proxies, and from where it was sent at first. */
export interface ClientAddress {
  isFromProxy(request: IncomingMessage): boolean;
  /** The last address that no trusted proxy vouches for as one of its own. */
  of(request: IncomingMessage): string;
}

export function createClientAddress(trustedProxies: readonly string[]): ClientAddress {
  const isTrusted = trustNetworks(trustedProxies);
  const isFromProxy = (request: IncomingMessage) => isTrusted(request.socket.remoteAddress ?? "");
  return {
    isFromProxy,
    of(request) {
      const nearest = request.socket.remoteAddress ?? "";
      if (!isFromProxy(request)) return nearest;
      const told = [request.headers["x-forwarded-for"] ?? []].flat().join(",").split(",");
      const hops = told.map((hop) => hop.trim()).filter((hop) => hop !== "");
      return hops.findLast((hop) => !isTrusted(hop)) ?? hops[0] ?? nearest;
    },
  };
}
