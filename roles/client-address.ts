import type { IncomingMessage } from "node:http";
import { trustNetworks } from "@multimaster/config";
import { groupOfAddress } from "@multimaster/core";

/** Whether a request comes through one of our proxies, and the address of its original client. */
export interface ClientAddress {
  isFromProxy(request: IncomingMessage): boolean;
  /**
   * The last address in the chain that does not belong to a trusted proxy. `nearest` is the end of the chain: the
   * connection's address, unless something else is known of it.
   */
  of(request: IncomingMessage, nearest?: string): string;
  /**
   * The address for per-address limits. Undefined: no limit, because a proxy that does not name its client represents many
   * clients, and clients on this machine are trusted.
   */
  shareOf(request: IncomingMessage): string | undefined;
  /** Whether the client used TLS, according to a trusted proxy: the masters themselves serve plain HTTP. */
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
      const protocol = [request.headers["x-forwarded-proto"] ?? []].flat().join(",").split(",").at(-1);
      return isFromProxy(request) && protocol?.trim().toLowerCase() === "https";
    },
    of(request, nearest = request.socket.remoteAddress ?? "") {
      if (!isTrusted(nearest)) return nearest;
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
