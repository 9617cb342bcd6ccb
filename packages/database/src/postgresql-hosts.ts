import { errors } from "@multimaster/core/errors";

/** The servers of one database: a primary, and standbys that may become it. */
export interface PostgresqlHosts {
  /** A URL for each server, in the order in which the whole URL names them. */
  readonly urls: readonly string[];
  /** Whether a server that takes no writes is passed over. */
  readonly mustWrite: boolean;
}

const targets = ["any", "read-write", "primary"] as const;

const known = new Map<string, PostgresqlHosts>();
const current = new Map<string, string>();

/** Reads the hosts of `postgresql://USER@A:5432,B:5433/NAME`, or of `?host=A,B&port=5432,5433`, as libpq does. */
export function readHosts(url: string): PostgresqlHosts {
  const found = known.get(url) ?? splitHosts(url);
  known.set(url, found);
  return found;
}

/** The server of the latest successful connection; before there is one, the first that the URL names. */
export function currentHost(url: string): string {
  return current.get(url) ?? (readHosts(url).urls[0] as string);
}

/** Later connections try this server first. */
export function noteCurrentHost(url: string, host: string): void {
  current.set(url, host);
}

/** How a server is named in messages: the host and port alone. */
export function nameHost(url: string): string {
  const { host, searchParams } = new URL(url);
  const [name, port] = [searchParams.get("host"), searchParams.get("port")];
  return name === null ? host : `${name}${port === null ? "" : `:${port}`}`;
}

function splitHosts(url: string): PostgresqlHosts {
  const [, scheme = "", login = "", hosts = "", rest = ""] =
    /^([a-z]+:\/\/)((?:[^/?#]*@)?)([^/?#@]*)(.*)$/s.exec(url) ?? [];
  const urls = hosts.split(",").map((host) => new URL(`${scheme}${login}${host}${rest}`));
  if (urls.length > 1 && hosts.split(",").includes("")) throw new TypeError("a host is empty");
  const target = urls[0]?.searchParams.get("target_session_attrs") ?? null;
  if (target !== null && !(targets as readonly string[]).includes(target))
    throw errors.databaseUrlTarget(target, targets);
  if (urls.length === 1 && target === null && !urls[0]?.searchParams.get("host")?.includes(","))
    return { urls: [url], mustWrite: false };
  const single = urls.flatMap(splitParameters);
  for (const each of single) each.searchParams.delete("target_session_attrs");
  return {
    urls: single.map(String),
    mustWrite: single.length > 1 || (target !== null && target !== "any"),
  };
}

function splitParameters(url: URL): URL[] {
  const hosts = url.searchParams.get("host")?.split(",") ?? [];
  if (hosts.length < 2) return [url];
  const ports = url.searchParams.get("port")?.split(",") ?? [];
  return hosts.map((host, i) => {
    const single = new URL(url);
    single.searchParams.set("host", host);
    const port = ports.length > 1 ? ports[i] : ports[0];
    if (port !== undefined) single.searchParams.set("port", port);
    return single;
  });
}
