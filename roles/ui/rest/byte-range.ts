/** Part of an answer, both ends inclusive. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/**
 * Parses a `Range` header for a size in bytes. Undefined: the whole, also for invalid headers and several ranges; "none": the
 * range is outside.
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

/** Yields the bytes of a range from pieces that begin at the byte `start`; it does not read beyond the range. */
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
