import { expect, it } from "vitest";
import { createClientAddress } from "../../client-address.ts";
import { createCookies } from "./session-cookie.ts";

const value = "A".repeat(43);

function from(address: string, headers: Record<string, string> = {}) {
  return { headers, socket: { remoteAddress: address } } as never;
}

it.each([
  [undefined, "9.9.9.9", undefined, "mm-session", "/", false],
  ["http://ci/", "9.9.9.9", undefined, "mm-session", "/", false],
  ["https://ci/", "9.9.9.9", undefined, "__Host-mm-session", "/", true],
  ["https://ci/ci/", "9.9.9.9", undefined, "__Secure-mm-session", "/ci/", true],
  ["http://ci/a/b/", "9.9.9.9", undefined, "mm-session", "/a/b/", false],
  // TLS that ended at a proxy counts where the proxy is trusted, and where no one could have said it in its name.
  [undefined, "10.0.0.1", "https", "__Host-mm-session", "/", true],
  ["http://ci/", "10.0.0.1", "https", "__Host-mm-session", "/", true],
  [undefined, "10.0.0.1", "http", "mm-session", "/", false],
  [undefined, "10.0.0.1", "https, http", "mm-session", "/", false],
  [undefined, "9.9.9.9", "https", "mm-session", "/", false],
])("with url %s a request from %s over %s sets %s for %s", (url, address, proto, name, path, secure) => {
  const { cameByTls } = createClientAddress(["10.0.0.1"]);
  const { session } = createCookies(url, cameByTls);
  const headers: Record<string, string> = proto === undefined ? {} : { "x-forwarded-proto": proto };
  const request = from(address, headers);
  expect(session.set(request, value, 1000)).toBe(
    `${name}=${value}; Max-Age=1; Path=${path}; HttpOnly; SameSite=Lax${secure ? "; Secure" : ""}`,
  );
  expect(session.clear(request)).toContain(`${name}=; Max-Age=0; Path=${path};`);
  expect(session.read(from(address, { ...headers, cookie: `x=1; ${name}=${value}` }))).toBe(value);
  // A cookie without the prefix could have been set by anybody on the way.
  if (secure) expect(session.read(from(address, { ...headers, cookie: `mm-session=${value}` }))).toBeUndefined();
});
