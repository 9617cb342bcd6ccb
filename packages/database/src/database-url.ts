import { resolve } from "node:path";
import { errors } from "@multimaster/core";

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
    let parsed: URL;
    try {
      parsed = new URL(url);
    } catch {
      throw errors.databaseUrlInvalid(hidePassword(url));
    }
    const user = parsed.username ? `${parsed.username}@` : "";
    const host = parsed.host || parsed.searchParams.get("host") || "localhost";
    return { engine: "postgresql", url, describe: `postgresql://${user}${host}${parsed.pathname}` };
  }
  throw errors.databaseUrlInvalid(hidePassword(url));
}

function hidePassword(url: string): string {
  return url.replace(/(:\/\/[^:/@]*):[^@]*@/, "$1:(hidden)@");
}
