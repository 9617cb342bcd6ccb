import type { IncomingMessage } from "node:http";
import { trustNetworks } from "@multimaster/config";

/** Whether a request comes through one of our proxies, and from where it was sent at first. */
export interface ClientAddress {
  isFromProxy(request: IncomingMessage): boolean;
  /** The last address that no trusted proxy vouches for as one of its own. */
  of(request: IncomingMessage): string;
  /** Whether it was sent over TLS, as far as a trusted proxy says so: the masters themselves speak plain HTTP. */
  cameByTls(request: IncomingMessage): boolean;
}

export function createClientAddress(trustedProxies: readonly string[]): ClientAddress {
  const isTrusted = trustNetworks(trustedProxies);
  const isFromProxy = (request: IncomingMessage) => isTrusted(request.socket.remoteAddress ?? "");
  return {
    isFromProxy,
    cameByTls(request) {
      const told = [request.headers["x-forwarded-proto"] ?? []].flat().join(",").split(",").at(-1);
      return isFromProxy(request) && told?.trim().toLowerCase() === "https";
    },
    of(request) {
      const nearest = request.socket.remoteAddress ?? "";
      if (!isFromProxy(request)) return nearest;
      const told = [request.headers["x-forwarded-for"] ?? []].flat().join(",").split(",");
      const hops = told.map((hop) => hop.trim()).filter((hop) => hop !== "");
      return hops.findLast((hop) => !isTrusted(hop)) ?? hops[0] ?? nearest;
    },
  };
}
