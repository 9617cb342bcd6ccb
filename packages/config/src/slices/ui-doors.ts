import type { ConfigWarning } from "../config-warning.ts";
import { isLoopback } from "../networks.ts";
import type { PluginDescriptor } from "../plugin.ts";

interface Doors {
  readonly host: string;
  readonly open: boolean;
  readonly auth?: PluginDescriptor<"auth"> | undefined;
  readonly authorization?: unknown;
}

/** Finds settings that would let strangers control the cluster, and that `open` does not permit. */
export function findOpenDoors({ host, auth, authorization, open }: Doors): { path: string; message: string }[] {
  if (open) return [];
  if (auth === undefined || auth.plugin.type === "none") {
    if (isLoopback(host)) return [];
    const message = `is missing, and ${host} can be reached from other machines: anyone there would control the cluster; name a login (docs/login.md), or write open: true`;
    return [{ path: "auth", message }];
  }
  const option = auth.plugin.admitsAnyone?.(auth.options);
  if (option === undefined || authorization !== undefined) return [];
  const message = `lets anyone in the world log in and control the cluster; set the option ${option} of ${auth.plugin.type}, or write authorization, or open: true`;
  return [{ path: "auth", message }];
}

interface ShownDoors extends Doors {
  readonly trustedProxies: readonly string[];
}

/** Finds permitted settings that admit more people than the author may expect. */
export function warningsOfDoors(slice: ShownDoors, { url }: { readonly url?: string | undefined }): ConfigWarning[] {
  const { host, open, auth, authorization, trustedProxies } = slice;
  const warnings: ConfigWarning[] = [];
  const hasLogin = auth !== undefined && auth.plugin.type !== "none";
  const publicName = url === undefined ? undefined : new URL(url).hostname;
  const isPublic = publicName !== undefined && !isLoopback(publicName);

  if (open && !authorization) {
    const who = hasLogin ? `has an account at the provider of ${auth.plugin.type}` : `can connect to ${host}`;
    warnings.push({
      path: ["open"],
      sentence: `anyone who ${who} controls the cluster; write authorization, or remove open and name a login`,
    });
  } else if (!hasLogin && !open && isPublic) {
    const sentence = `is missing, and users come through ${url}: all of them control the cluster; name a login (docs/login.md), or write open: true`;
    warnings.push({ path: ["auth"], sentence });
  }
  if (hasLogin && !url?.startsWith("https:") && (isPublic || !isLoopback(host)) && trustedProxies.length === 0)
    warnings.push({
      path: ["auth"],
      sentence:
        "sessions and passwords go over plain HTTP; set a url with https for the cluster, or name the TLS proxy in trustedProxies",
    });
  for (const [i, network] of trustedProxies.entries())
    if (isWide(network))
      warnings.push({
        path: ["trustedProxies", i],
        sentence: `every program in ${network}, even a build's container, can claim to forward requests for any user; name only the proxy's address`,
      });
  return warnings;
}

/** Whether a network has more than one address, other than this machine's own. */
function isWide(network: string): boolean {
  const [address = "", prefix] = network.split("/");
  if (prefix === undefined || isLoopback(address)) return false;
  return Number(prefix) < (address.includes(":") ? 128 : 32);
}
