import type { ConfigWarning } from "../config-warning.ts";
import { isLoopback } from "../networks.ts";
import type { PluginDescriptor } from "../plugin.ts";

interface Doors {
  readonly host: string;
  readonly open: boolean;
  readonly auth?: PluginDescriptor<"auth"> | undefined;
  readonly authorization?: unknown;
}

/** What would let strangers control the cluster, and was not asked for with `open`. */
export function findOpenDoors({ host, auth, authorization, open }: Doors): { path: string; message: string }[] {
  if (open) return [];
  if (auth === undefined || auth.plugin.type === "none") {
    if (isLoopback(host)) return [];
    const message = `is missing, and ${host} is reached from other machines: whoever does would control the cluster; name a login (docs/login.md), or write open: true`;
    return [{ path: "auth", message }];
  }
  const option = auth.plugin.admitsAnyone?.(auth.options);
  if (option === undefined || authorization !== undefined) return [];
  const message = `lets everybody in the world log in and control the cluster; give ${auth.plugin.type} the option ${option}, or write authorization, or open: true`;
  return [{ path: "auth", message }];
}

interface ShownDoors extends Doors {
  readonly trustedProxies: readonly string[];
}

/** What is allowed, but lets more people in than its author may think of. */
export function warningsOfDoors(slice: ShownDoors, { url }: { readonly url?: string | undefined }): ConfigWarning[] {
  const { host, open, auth, authorization, trustedProxies } = slice;
  const warnings: ConfigWarning[] = [];
  const hasLogin = auth !== undefined && auth.plugin.type !== "none";
  const publicName = url === undefined ? undefined : new URL(url).hostname;
  const isPublic = publicName !== undefined && !isLoopback(publicName);

  if (open && !authorization) {
    const who = hasLogin ? `has an account at the provider of ${auth.plugin.type}` : `reaches ${host}`;
    warnings.push({
      path: ["open"],
      sentence: `whoever ${who} controls the cluster; write authorization, or take open away and name a login`,
    });
  } else if (!hasLogin && !open && isPublic) {
    const sentence = `is missing, and users come through ${url}: whoever does controls the cluster; name a login (docs/login.md), or write open: true`;
    warnings.push({ path: ["auth"], sentence });
  }
  if (hasLogin && !url?.startsWith("https:") && (isPublic || !isLoopback(host)) && trustedProxies.length === 0)
    warnings.push({
      path: ["auth"],
      sentence:
        "sessions and passwords go over plain HTTP; give the cluster a url with https, or name the TLS proxy in trustedProxies",
    });
  for (const [i, network] of trustedProxies.entries())
    if (isWide(network))
      warnings.push({
        path: ["trustedProxies", i],
        sentence: `every program in ${network} is believed when it says for whom it asks, a build's container too; name the proxy's address`,
      });
  return warnings;
}

/** Whether it is more than one address, other than this machine's own. */
function isWide(network: string): boolean {
  const [address = "", prefix] = network.split("/");
  if (prefix === undefined || isLoopback(address)) return false;
  return Number(prefix) < (address.includes(":") ? 128 : 32);
}
