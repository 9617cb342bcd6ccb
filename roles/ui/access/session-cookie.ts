import type { IncomingMessage } from "node:http";

/** Our cookies. Over TLS their names have a prefix by which browsers prevent other hosts from setting them. */
export interface Cookies {
  readonly session: Cookie;
  /** For a login in progress at a provider: it must return to the same browser. */
  readonly begunLogin: Cookie;
}

export interface Cookie {
  read(request: IncomingMessage): string | undefined;
  /** Returns the header that sets the cookie in the answer to this request. */
  set(request: IncomingMessage, value: string, lifetimeMs: number): string;
  clear(request: IncomingMessage): string;
}

/** `cameByTls` returns whether a request's browser sent it over TLS, which may have ended at a proxy. */
export function createCookies(url: string | undefined, cameByTls: (request: IncomingMessage) => boolean): Cookies {
  const isAlwaysSecure = url?.startsWith("https:") ?? false;
  const path = url === undefined ? "/" : new URL(url).pathname;
  const isSecure = (request: IncomingMessage) => isAlwaysSecure || cameByTls(request);

  function createCookie(plainName: string): Cookie {
    // The stronger prefix is allowed only for cookies of a whole host.
    const secureName = path === "/" ? `__Host-${plainName}` : `__Secure-${plainName}`;
    const write = (request: IncomingMessage, value: string, seconds: number) => {
      const [name, ending] = isSecure(request) ? [secureName, "; Secure"] : [plainName, ""];
      return `${name}=${value}; Max-Age=${seconds}; Path=${path}; HttpOnly; SameSite=Lax${ending}`;
    };
    return {
      read: (request) => find(request, isSecure(request) ? secureName : plainName),
      set: (request, value, lifetimeMs) => write(request, value, Math.round(lifetimeMs / 1000)),
      clear: (request) => write(request, "", 0),
    };
  }

  return { session: createCookie("mm-session"), begunLogin: createCookie("mm-login") };
}

function find(request: IncomingMessage, name: string): string | undefined {
  for (const pair of (request.headers.cookie ?? "").split(";")) {
    const [key, value] = pair.split("=", 2);
    if (key?.trim() === name && value !== undefined && /^[\w-]{43}$/.test(value.trim())) return value.trim();
  }
  return undefined;
}
