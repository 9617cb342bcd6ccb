import { isIP } from "node:net";

/** Whether the `Host` header of a request names this master. */
export type HostCheck = (host: string | undefined) => boolean;

/**
 * Accepts a `Host` header that names one of `names`, `localhost`, or any IP address. Any other name may belong to a
 * stranger whose DNS points here, so that a browser treats the stranger's page as one of ours. Only browsers must be
 * refused, and browsers always send the header: a request without one comes from a program.
 */
export function createHostCheck(names: readonly (string | undefined)[]): HostCheck {
  const known = new Set(["localhost", ...names.flatMap((name) => (name ? [hostNameOf(name)] : []))]);
  return (host) => {
    if (host === undefined || host === "") return true;
    const name = hostNameOf(host);
    return known.has(name) || isIP(name) !== 0 || name.endsWith(".localhost");
  };
}

/** The host name in `name`, `name:port` or `[address]:port`, normalized for comparison. */
function hostNameOf(host: string): string {
  const [, address] = /^\[([^\]]*)\](?::\d+)?$/.exec(host) ?? [];
  if (address !== undefined) return isIP(address) === 6 ? address : host;
  // A bare IPv6 address has several colons and no port.
  const name = isIP(host) === 6 ? host : host.replace(/:\d*$/, "");
  return name.toLowerCase().replace(/\.$/, "");
}
