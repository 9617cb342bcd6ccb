import { isIP, SocketAddress } from "node:net";

/** What the first bytes of a connection are, by the PROXY protocol. */
export type ProxyHeader =
  /** More bytes are needed to decide. */
  | { readonly kind: "incomplete" }
  | { readonly kind: "invalid"; readonly why: string }
  /** `length` bytes are the header. Without an address the balancer speaks for itself, such as in its health checks. */
  | { readonly kind: "header"; readonly length: number; readonly address: string | undefined };

/** "\r\n\r\n\0\r\nQUIT\n" begins version 2. */
const signature = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]);
const text = Buffer.from("PROXY ");
/** The longest line of version 1, with its line end. */
const longestLine = 107;
/** Signature, version and command, family, length. */
const fixedBytes = 16;
/** Maximum of the addresses and additional fields of version 2. A balancer sends a few hundred bytes, with a client's certificate more. */
const longestFields = 4096;

/** Reads a header of the PROXY protocol, version 1 or 2, from the beginning of a connection. */
export function parseProxyHeader(bytes: Buffer): ProxyHeader {
  if (startsLike(bytes, signature)) return bytes.length < fixedBytes ? incomplete : parseBinary(bytes);
  if (startsLike(bytes, text)) return parseLine(bytes);
  return invalid("it does not begin with a PROXY header");
}

/** Whether the bytes begin a PROXY header: to name the cause when none is expected. */
export function looksLikeProxyHeader(bytes: Buffer): boolean {
  return bytes.length >= text.length && (startsLike(bytes, text) || startsLike(bytes, signature));
}

function parseLine(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, longestLine).indexOf("\r\n");
  if (end < 0) return bytes.length < longestLine ? incomplete : invalid("its PROXY line has no end");
  const line = bytes.toString("latin1", 0, end);
  const length = end + 2;
  // What follows UNKNOWN is to be ignored.
  if (line === "PROXY UNKNOWN" || line.startsWith("PROXY UNKNOWN "))
    return { kind: "header", length, address: undefined };
  const [, family, source = "", destination = "", ...ports] =
    /^PROXY TCP([46]) ([0-9a-fA-F.:]+) ([0-9a-fA-F.:]+) (\d{1,5}) (\d{1,5})$/.exec(line) ?? [];
  const fits = [source, destination].every((address) => isIP(address) === Number(family));
  if (family === undefined || !fits || ports.some((port) => Number(port) > 65535))
    return invalid("its PROXY line is malformed");
  return { kind: "header", length, address: canonical(source, Number(family)) };
}

function parseBinary(bytes: Buffer): ProxyHeader {
  const [version, command] = [bytes.readUInt8(12) >> 4, bytes.readUInt8(12) & 0x0f];
  const [family, transport] = [bytes.readUInt8(13) >> 4, bytes.readUInt8(13) & 0x0f];
  const fields = bytes.readUInt16BE(14);
  if (version !== 2 || command > 1) return invalid("its PROXY header has an unknown version or command");
  if (fields > longestFields) return invalid("its PROXY header is too long");
  const length = fixedBytes + fields;
  // LOCAL, a family without an address, or a socket of the balancer's machine.
  const speaksForItself = command === 0 || family === 0 || family === 3;
  const needed = speaksForItself ? 0 : family === 1 ? 12 : family === 2 ? 36 : undefined;
  if (needed === undefined || (!speaksForItself && transport !== 1))
    return invalid("its PROXY header has an unknown address family or transport");
  if (fields < needed) return invalid("its PROXY header is too short for its addresses");
  if (bytes.length < length) return incomplete;
  return { kind: "header", length, address: speaksForItself ? undefined : readAddress(bytes, family) };
}

function readAddress(bytes: Buffer, family: number): string {
  if (family === 1) return [...bytes.subarray(fixedBytes, fixedBytes + 4)].join(".");
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(fixedBytes + 2 * i).toString(16));
  return canonical(groups.join(":"), 6);
}

/** One spelling for each address, as the system writes that of a socket. */
function canonical(address: string, family: number): string {
  return new SocketAddress({ address, family: family === 6 ? "ipv6" : "ipv4" }).address;
}

function startsLike(bytes: Buffer, beginning: Buffer): boolean {
  const length = Math.min(bytes.length, beginning.length);
  return bytes.subarray(0, length).equals(beginning.subarray(0, length));
}

const incomplete: ProxyHeader = { kind: "incomplete" };

function invalid(why: string): ProxyHeader {
  return { kind: "invalid", why };
}
