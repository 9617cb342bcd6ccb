import type { IncomingMessage } from "node:http";

/** Names and attributes of our cookies. With https they carry the prefix by which browsers keep others from setting them. */
export interface Cookies {
  readonly session: Cookie;
  /** Of a login that has gone to a provider: what comes back must come from the same browser. */
  readonly begunLogin: Cookie;
}

export interface Cookie {
  read(request: IncomingMessage): string | undefined;
  /** The header that sets it. */
  set(value: string, lifetimeMs: number): string;
  clear(): string;
}

export function createCookies(url: string | undefined): Cookies {
  const isSecure = url?.startsWith("https:") ?? false;
  return { session: createCookie("mm-session", isSecure), begunLogin: createCookie("mm-login", isSecure) };
}

function createCookie(plainName: string, isSecure: boolean): Cookie {
  const name = isSecure ? `__Host-${plainName}` : plainName;
  const attributes = `Path=/; HttpOnly; SameSite=Lax${isSecure ? "; Secure" : ""}`;
  return {
    read(request) {
      for (const pair of (request.headers.cookie ?? "").split(";")) {
        const [key, value] = pair.split("=", 2);
        if (key?.trim() === name && value !== undefined && /^[\w-]{43}$/.test(value.trim())) return value.trim();
      }
      return undefined;
    },
    set: (value, lifetimeMs) => `${name}=${value}; Max-Age=${Math.round(lifetimeMs / 1000)}; ${attributes}`,
    clear: () => `${name}=; Max-Age=0; ${attributes}`,
  };
}
