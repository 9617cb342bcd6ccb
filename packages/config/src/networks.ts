import { BlockList, isIP } from "node:net";
import { z } from "zod";

/** Returns a function that tests whether an address belongs to one of these networks. */
export function trustNetworks(networks: readonly string[]): (address: string) => boolean {
  if (networks.length === 0) return () => false;
  const list = new BlockList();
  for (const text of networks) {
    const [address = "", prefix] = text.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, /^\d+$/.test(prefix) ? Number(prefix) : -1, family);
  }
  return (given) => {
    const address = given.replace(/^::ffff:(?=\d+\.)/, "");
    return isIP(address) !== 0 && list.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
  };
}

/** Whether a port on this address can be reached only from this machine. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || isLoopbackAddress(host.replace(/^\[|\]$/g, ""));
}

const isLoopbackAddress = trustNetworks(["127.0.0.0/8", "::1"]);

/** An address, or a network such as 10.0.0.0/8. */
export const network = z.string().refine((text) => {
  try {
    trustNetworks([text]);
    return true;
  } catch {
    return false;
  }
}, "must be an IP address, or a network such as 10.0.0.0/8");
