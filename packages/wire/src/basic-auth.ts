/** Name and password of an `Authorization: Basic` header; undefined when it is malformed. */
export function parseBasicAuth(header: string): { name: string; password: string } | undefined {
  const match = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(header);
  if (match?.[1] === undefined) return undefined;
  const text = Buffer.from(match[1], "base64").toString("utf8");
  const colon = text.indexOf(":");
  // Split at the first colon: passwords may contain colons, names cannot.
  return colon === -1 ? undefined : { name: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** Formats the header for a name and a password. */
export function formatBasicAuth(name: string, password: string): string {
  return `Basic ${Buffer.from(`${name}:${password}`, "utf8").toString("base64")}`;
}
