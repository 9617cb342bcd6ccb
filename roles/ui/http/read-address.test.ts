import type { IncomingMessage } from "node:http";
import { expect, it } from "vitest";
import { readAddress } from "./read-address.ts";

const read = (url: string) => {
  const request = { url, headers: { host: "example.org" } } as IncomingMessage;
  return readAddress(request, "/ci/") ? request.url : false;
};

it.each([
  ["/ci/api/v2/health", "/api/v2/health"],
  ["/ci/", "/"],
  ["/api/v2/builds", "/api/v2/builds"],
  ["http://example.org/ci/cc.xml?x", "/cc.xml?x"],
  ["/ready", "/ready"],
])("takes %s for %s, with the path below which users find it or without", (url, found) => {
  expect(read(url)).toBe(found);
});

it.each(["/ci/metrics", "/ci/ready?x", "/ci/health#x", "http://example.org/ci/metrics"])(
  "does not find at %s what only balancers ask",
  (url) => {
    expect(read(url)).toMatch(/^\/ci\//);
  },
);

it("believes none of two hosts", () => {
  const hosts = { headers: { host: "example.org" }, headersDistinct: { host: ["example.org", "evil.example.org"] } };
  expect(readAddress({ url: "/", ...hosts } as unknown as IncomingMessage)).toBe(false);
});
