import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import Koa from "koa";
import { afterEach, expect, it } from "vitest";
import { allowInlineScript, secureHeaders } from "./security-headers.ts";

const servers: { close(): void }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function headersOf(app: Koa): Promise<Headers> {
  const server = createServer(app.callback());
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)).headers;
}

it("answers keep other sites' scripts and frames out, and stay on https where the site is", async () => {
  const plain = await headersOf(new Koa().use(secureHeaders(undefined)));
  expect(plain.get("content-security-policy")).toContain("script-src 'self'; ");
  expect(plain.get("content-security-policy")).toContain("frame-ancestors 'self'");
  expect(plain.get("strict-transport-security")).toBeNull();
  const secure = await headersOf(new Koa().use(secureHeaders("https://ci.example.org/")));
  expect(secure.get("strict-transport-security")).toBe("max-age=31536000");
});

it("a page may name the one script that it holds", async () => {
  const app = new Koa().use(secureHeaders(undefined)).use((ctx) => allowInlineScript(ctx, "alert(1)"));
  expect((await headersOf(app)).get("content-security-policy")).toContain(
    "script-src 'self' 'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='; ",
  );
});
