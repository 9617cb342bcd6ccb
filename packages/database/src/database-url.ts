import { resolve } from "node:path";
import { errors, UserError } from "@multimaster/core/errors";
import { readPooling } from "./pooling.ts";
import { readHosts } from "./postgresql-hosts.ts";

/** What a database URL says. */
export type DatabaseUrl =
  | { engine: "sqlite"; url: string; describe: string; file: string; memory: boolean }
  | { engine: "postgresql"; url: string; describe: string };

/** Reads `sqlite:FILE` (relative to the current directory, or `:memory:`) or `postgresql://…`. */
export function parseDatabaseUrl(url: string): DatabaseUrl {
  if (url.startsWith("sqlite:")) {
    const name = url.slice("sqlite:".length);
    if (/^\/*$/.test(name)) throw errors.databaseUrlInvalid(url);
    if (name === ":memory:") return { engine: "sqlite", url, describe: url, file: name, memory: true };
    const file = resolve(name);
    return { engine: "sqlite", url: `sqlite:${file}`, describe: `sqlite:${file}`, file, memory: false };
  }
  if (/^postgres(ql)?:\/\//.test(url)) {
    let servers: URL[];
    try {
      servers = readHosts(url).urls.map((server) => new URL(server));
    } catch (error) {
      if (error instanceof UserError) throw error;
      // What stands before a "/", "?" or "#" of its password was taken for a port.
      if (/^\w+:\/\/[^/?#@]*:[^@]*[/?#].*@/s.test(url)) throw errors.databaseUrlUnescaped();
      throw errors.databaseUrlInvalid(hidePassword(url));
    }
    const [first] = servers;
    if (!first || servers.some(isCutInPassword)) throw errors.databaseUrlUnescaped();
    readPooling(url);
    const user = first.username ? `${first.username}@` : "";
    const hosts = servers.map((server) => server.host || server.searchParams.get("host") || "localhost").join(",");
    return { engine: "postgresql", url, describe: `postgresql://${user}${hosts}${first.pathname}` };
  }
  throw errors.databaseUrlInvalid(hidePassword(url));
}

/** A password with a "/", "?" or "#" that is not escaped ends the host there: what follows would be shown as a path. */
function isCutInPassword({ pathname, search, hash }: URL): boolean {
  return hash !== "" || pathname.includes("@") || /^\?[^=]*@/.test(search);
}

/** Everything between the user's name and the last "@" may be of the password, and so may parameters. */
function hidePassword(url: string): string {
  const [, scheme = "", credentials, rest = ""] = /^([^:/?#@]*:\/\/)?(?:(.*)@)?(.*)$/s.exec(url) ?? [];
  const user = /^[^:/@?#]*:/.exec(credentials ?? "")?.[0] ?? "";
  return `${scheme}${credentials === undefined ? "" : `${user}(hidden)@`}${rest.replace(/[?#].*$/s, "")}`;
}
