import { describe, expect, it } from "vitest";
import { parseProxyHeader } from "./proxy-header.ts";

/** No more is read before a header is accepted or refused. */
const longestHeader = 16 + 4096;

/** A header of version 2: command and family as given, then the fields. */
function binaryHeader(command: number, family: number, fields: Uint8Array): Buffer {
  const head = Buffer.from("\r\n\r\n\0\r\nQUIT\n\0\0\0\0", "latin1");
  head.writeUInt8(command, 12);
  head.writeUInt8(family, 13);
  head.writeUInt16BE(fields.length, 14);
  return Buffer.concat([head, fields]);
}

const four = Buffer.from([192, 0, 2, 7, 10, 0, 0, 1, 0x9c, 0x40, 0x27, 0x05]);
const six = Buffer.concat([Buffer.from("20010db8000000000000000000000009", "hex"), Buffer.alloc(16), Buffer.alloc(4)]);
const mapped = Buffer.concat([
  Buffer.from("00000000000000000000ffffc0000207", "hex"),
  Buffer.alloc(16),
  Buffer.alloc(4),
]);

const accepted: [string, Buffer, string | undefined][] = [
  ["version 1, IPv4", Buffer.from("PROXY TCP4 192.0.2.7 10.0.0.1 40000 9989\r\n"), "192.0.2.7"],
  ["version 1, IPv6", Buffer.from("PROXY TCP6 2001:DB8::9 ::1 40000 9989\r\n"), "2001:db8::9"],
  ["version 1, unknown", Buffer.from("PROXY UNKNOWN\r\n"), undefined],
  ["version 1, unknown with more", Buffer.from("PROXY UNKNOWN ffff:: ::1 1 2\r\n"), undefined],
  ["version 2, IPv4", binaryHeader(0x21, 0x11, four), "192.0.2.7"],
  ["version 2, IPv6", binaryHeader(0x21, 0x21, six), "2001:db8::9"],
  ["version 2, IPv4 as IPv6", binaryHeader(0x21, 0x21, mapped), "::ffff:192.0.2.7"],
  ["version 2 with more fields", binaryHeader(0x21, 0x11, Buffer.concat([four, Buffer.alloc(300)])), "192.0.2.7"],
  ["version 2, the balancer itself", binaryHeader(0x20, 0x00, Buffer.alloc(0)), undefined],
  ["version 2, a socket file", binaryHeader(0x21, 0x31, Buffer.alloc(216)), undefined],
];

const refused: [string, Buffer][] = [
  ["another protocol", Buffer.from("GET / HTTP/1.1\r\n")],
  ["half a signature, then something else", Buffer.from("\r\n\r\nGET /")],
  ["a line without an end", Buffer.from(`PROXY TCP4 ${"1".repeat(200)}`)],
  ["a line of 108 bytes", Buffer.from(`PROXY UNKNOWN ${"x".repeat(92)}\r\n`)],
  ["an IPv6 address as IPv4", Buffer.from("PROXY TCP4 ::1 ::1 1 2\r\n")],
  ["an address that is none", Buffer.from("PROXY TCP4 999.0.0.1 10.0.0.1 1 2\r\n")],
  ["an address in octal", Buffer.from("PROXY TCP4 010.0.0.1 10.0.0.1 1 2\r\n")],
  ["a port that is none", Buffer.from("PROXY TCP4 192.0.2.7 10.0.0.1 65536 2\r\n")],
  ["a second space", Buffer.from("PROXY TCP4  192.0.2.7 10.0.0.1 1 2\r\n")],
  ["a zone", Buffer.from("PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n")],
  ["version 3", binaryHeader(0x31, 0x11, four)],
  ["an unknown command", binaryHeader(0x22, 0x11, four)],
  ["an unknown family", binaryHeader(0x21, 0x41, four)],
  ["UDP", binaryHeader(0x21, 0x12, four)],
  ["too few bytes for the addresses", binaryHeader(0x21, 0x21, four)],
  ["64 KB of fields", binaryHeader(0x21, 0x11, Buffer.alloc(0xffff)).subarray(0, 16)],
];

describe("a PROXY header", () => {
  it.each(accepted)("is read: %s", (_, bytes, address) => {
    const after = Buffer.from("PROXY and more");
    const header = { kind: "header", length: bytes.length, address };
    expect(parseProxyHeader(Buffer.concat([bytes, after]))).toEqual(header);
    expect(parseProxyHeader(bytes)).toEqual(header);
    for (let length = 0; length < bytes.length; length += 1)
      expect(parseProxyHeader(bytes.subarray(0, length))).toEqual({ kind: "incomplete" });
  });

  it.each(refused)("is refused: %s", (_, bytes) => {
    expect(parseProxyHeader(bytes)).toMatchObject({ kind: "invalid" });
  });

  it("is decided within its longest length, whatever the bytes", () => {
    const beginnings = ["PROXY ", "\r\n\r\n\0\r\nQUIT\n\x21\x11", "\r\n\r\n\0\r\nQUIT\n\x21\x11\x10\x00", "P", "\r"];
    for (const beginning of beginnings)
      for (const fill of [0, 0x20, 0x39, 0xff]) {
        const bytes = Buffer.concat([Buffer.from(beginning, "latin1"), Buffer.alloc(longestHeader, fill)]);
        expect(parseProxyHeader(bytes).kind).not.toBe("incomplete");
      }
  });
});
