import type { IncomingMessage } from "node:http";
import { expect, it } from "vitest";
import { createClientAddress } from "./client-address.ts";

const address = createClientAddress(["10.0.0.1", "10.1.0.0/16", "2001:db8::1"]);

function requestFrom(remoteAddress: string, told?: string) {
  const headers = told === undefined ? {} : { "x-forwarded-for": told };
  return { socket: { remoteAddress }, headers } as unknown as IncomingMessage;
}

it.each([
  ["a stranger who names another", "192.0.2.1", "198.51.100.7", "192.0.2.1"],
  ["the last that no trusted proxy is", "10.0.0.1", "127.0.0.1, 198.51.100.7, 10.1.2.3", "198.51.100.7"],
  ["a proxy without the header", "10.0.0.1", undefined, "10.0.0.1"],
  ["what stands before it, with its port", "10.0.0.1", "127.0.0.1:80, 198.51.100.7:4711", "198.51.100.7"],
  ["IPv6 with a port", "2001:db8::1", "[2001:db8:7::5]:4711", "2001:db8:7::5"],
  ["IPv6 in brackets", "10.0.0.1", "[2001:db8:7::5]", "2001:db8:7::5"],
  ["IPv6", "10.0.0.1", "2001:db8:7::5", "2001:db8:7::5"],
  ["a trusted proxy with its port", "10.0.0.1", "198.51.100.7, 10.1.2.3:999", "198.51.100.7"],
])("believes %s", (_, from, told, expected) => {
  expect(address.of(requestFrom(from, told))).toBe(expected);
});

it("counts all connections of an address together, whatever ports a proxy names", () => {
  const shares = ["198.51.100.7:1", "198.51.100.7:2", "[2001:db8:7::5]:1", "[2001:db8:7::6]:2"].map((told) =>
    address.shareOf(requestFrom("10.0.0.1", told)),
  );
  expect(new Set(shares).size).toBe(2);
});
