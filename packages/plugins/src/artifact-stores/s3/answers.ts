const entities: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

/** Elements of answers that are read; none has attributes. */
const elements = {
  Key: /<Key>([^<]*)<\/Key>/g,
  Size: /<Size>([^<]*)<\/Size>/g,
  NextContinuationToken: /<NextContinuationToken>([^<]*)<\/NextContinuationToken>/g,
  UploadId: /<UploadId>([^<]*)<\/UploadId>/g,
  Code: /<Code>([^<]*)<\/Code>/g,
  Message: /<Message>([^<]*)<\/Message>/g,
} as const;

/** The texts of all elements of a name in an answer. */
export function textsOf(xml: string, element: keyof typeof elements): string[] {
  return [...xml.matchAll(elements[element])].map(([, text = ""]) =>
    text.replaceAll(/&(#x?[0-9a-f]+|\w+);/gi, (whole, name: string) => decode(name) ?? whole),
  );
}

function decode(name: string): string | undefined {
  if (!name.startsWith("#")) return entities[name];
  const code = name[1]?.toLowerCase() === "x" ? Number.parseInt(name.slice(2), 16) : Number.parseInt(name.slice(1), 10);
  return Number.isInteger(code) && code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
}

/** What an answer says went wrong; undefined: it says nothing. */
export function describeRefusal(xml: string): string | undefined {
  if (!xml.includes("<Error>")) return undefined;
  const [code = ""] = textsOf(xml, "Code");
  const [message = ""] = textsOf(xml, "Message");
  return `${code} ${message}`.trim().slice(0, 300);
}
