import type { IncomingMessage } from "node:http";
import { trustNetworks } from "@multimaster/config";
import { groupOfAddress } from "@multimaster/core";

/** Whether a request comes through one of our proxies, and from where it was sent at first. */
export interface ClientAddress {
  isFromProxy(request: IncomingMessage): boolean;
  /** The last address that no trusted proxy vouches for as one of its own. */
  of(request: IncomingMessage): string;
  /**
   * Whose share it counts towards of what each address may have so much of. Undefined: nobody's, since a proxy that does
   * not say for whom it asks speaks for many, and whoever is on this machine is in already.
   */
  shareOf(request: IncomingMessage): string | undefined;
  /** Whether it was sent over TLS, as far as a trusted proxy says so: the masters themselves speak plain HTTP. */
  cameByTls(request: IncomingMessage): boolean;
}

export function createClientAddress(trustedProxies: readonly string[]): ClientAddress {
  const isTrusted = trustNetworks(trustedProxies);
  const hasNoShare = trustNetworks([...trustedProxies, "127.0.0.0/8", "::1"]);
  const isFromProxy = (request: IncomingMessage) => isTrusted(request.socket.remoteAddress ?? "");
  const address: ClientAddress = {
    isFromProxy,
    shareOf(request) {
      const from = address.of(request);
      return hasNoShare(from) ? undefined : groupOfAddress(from);
    },
    cameByTls(request) {
      const told = [request.headers["x-forwarded-proto"] ?? []].flat().join(",").split(",").at(-1);
      return isFromProxy(request) && told?.trim().toLowerCase() === "https";
    },
    of(request) {
      const nearest = request.socket.remoteAddress ?? "";
      if (!isFromProxy(request)) return nearest;
      const told = [request.headers["x-forwarded-for"] ?? []].flat().join(",").split(",");
      const hops = told.map(withoutPort).filter((hop) => hop !== "");
      return hops.findLast((hop) => !isTrusted(hop)) ?? hops[0] ?? nearest;
    },
  };
  return address;
}

/** Some proxies write the port behind the address: with it, each connection would count as an address of its own. */
function withoutPort(hop: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\](?::\d+)?|([^:]*):\d+)$/.exec(hop.trim()) ?? [];
  return bracketed ?? plain ?? hop.trim();
}
