/** Part of an answer, both ends inclusive. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/**
 * What a `Range` header asks for of so many bytes. Undefined: all of them, as for headers that are not understood or name
 * several ranges; "none": nothing of it is there.
 */
export function parseRange(header: string, size: number): ByteRange | "none" | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header.trim());
  if (!match) return undefined;
  const [from, to] = [match[1] ?? "", match[2] ?? ""];
  if (from === "" && to === "") return undefined;
  if (from === "") {
    const count = Math.min(Number(to), size);
    return count === 0 ? "none" : { first: size - count, last: size - 1 };
  }
  const first = Number(from);
  if (to !== "" && Number(to) < first) return undefined;
  if (first >= size) return "none";
  return { first, last: to === "" ? size - 1 : Math.min(Number(to), size - 1) };
}

/** The bytes of that range of pieces that begin with the byte `start`; what lies behind it is not read. */
export async function* cutRange(
  pieces: AsyncIterable<Buffer>,
  { first, last }: ByteRange,
  start = 0,
): AsyncGenerator<Buffer> {
  let at = start;
  for await (const piece of pieces) {
    const begin = Math.max(0, first - at);
    const end = Math.min(piece.length, last + 1 - at);
    if (end > begin) yield piece.subarray(begin, end);
    at += piece.length;
    if (at > last) return;
  }
}
