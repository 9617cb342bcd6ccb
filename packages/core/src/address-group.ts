/**
 * The address that per-client limits count. An owner of one IPv6 address has at least 2^64 of them, so only the first half
 * counts. An IPv4 address counts whole, in whatever notation it is written.
 */
export function groupOfAddress(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "");
  if (!plain.includes(":")) return plain;
  const [head = "", tail] = plain.split("::");
  const first = head.split(":");
  const last = tail === undefined ? [] : tail.split(":");
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - first.length - last.length)).fill("0");
  return [...first, ...zeros, ...last].slice(0, 4).join(":");
}

/** The wider network of an address, for limits when there are too many addresses: the first 16 bits of IPv4, 32 of IPv6. */
export function networkOfAddress(address: string): string {
  const group = groupOfAddress(address);
  if (group === "") return "unknown";
  if (group.includes(":")) return `${group.split(":").slice(0, 2).join(":")}::/32`;
  return `${group.split(".").slice(0, 2).join(".")}.0.0/16`;
}

/**
 * The networks that an address is in, the widest first, and its group last: one owner's addresses mostly lie within one. An
 * IPv6 provider is assigned the first 32 bits, and a customer's network the first 48.
 */
export function networksOfAddress(address: string): readonly [wide: string, narrow: string, group: string] {
  const group = groupOfAddress(address);
  const separator = group.includes(":") ? ":" : ".";
  const parts = group.split(separator);
  return [parts.slice(0, 2).join(separator), parts.slice(0, 3).join(separator), group];
}
