/** Bounds of a MessagePack value. */
export interface FrameLimits {
  maxDepth: number;
  /** Total number of values: numbers, texts, arrays, maps and their keys. */
  maxValues: number;
}

/**
 * Describes which limit a MessagePack value exceeds; undefined if none. This check comes before decoding, because 64 MiB of
 * nested arrays or empty maps would cost the decoder gigabytes. The decoder reports other errors in the bytes.
 */
export function findExcess(bytes: Uint8Array, { maxDepth, maxValues }: FrameLimits): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  /** Remaining items, one entry per open array or map. */
  const open: number[] = [];
  let values = 0;
  for (let at = 0; at < bytes.length; ) {
    values += 1;
    if (values > maxValues) return `contains more than ${maxValues} values`;
    const { size, items } = measureHead(view, at);
    at += size;
    const top = open.length - 1;
    if (top >= 0) open[top] = (open[top] ?? 0) - 1;
    if (items > 0) open.push(items);
    while (open.at(-1) === 0) open.pop();
    if (open.length > maxDepth) return `is nested deeper than ${maxDepth} levels`;
    if (open.length === 0) return undefined;
  }
  return undefined;
}

interface Head {
  /** Bytes of the value; for an array or map, of its head only. */
  size: number;
  /** Number of following values that belong to it; a map has two per entry. */
  items: number;
}

function measureHead(view: DataView, at: number): Head {
  const head = view.getUint8(at);
  if (head <= 0x7f || head >= 0xe0) return { size: 1, items: 0 };
  if (head <= 0x8f) return { size: 1, items: 2 * (head & 15) };
  if (head <= 0x9f) return { size: 1, items: head & 15 };
  if (head <= 0xbf) return { size: 1 + (head & 31), items: 0 };
  const counted = countedTypes[head];
  if (counted === undefined) return { size: fixedSizes[head] ?? 1, items: 0 };
  const [width, factor, extra] = counted;
  const count = readCount(view, at + 1, width);
  return factor === 0 ? { size: 1 + width + extra + count, items: 0 } : { size: 1 + width, items: factor * count };
}

function readCount(view: DataView, at: number, width: number): number {
  if (at + width > view.byteLength) return 0;
  if (width === 1) return view.getUint8(at);
  return width === 2 ? view.getUint16(at) : view.getUint32(at);
}

/** Types with a length: bytes of the length, values per count (0: the count is in bytes), bytes between length and content. */
const countedTypes: Record<number, readonly [width: 1 | 2 | 4, factor: 0 | 1 | 2, extra: 0 | 1]> = {
  ...{ 0xc4: [1, 0, 0], 0xc5: [2, 0, 0], 0xc6: [4, 0, 0] },
  ...{ 0xc7: [1, 0, 1], 0xc8: [2, 0, 1], 0xc9: [4, 0, 1] },
  ...{ 0xd9: [1, 0, 0], 0xda: [2, 0, 0], 0xdb: [4, 0, 0] },
  ...{ 0xdc: [2, 1, 0], 0xdd: [4, 1, 0], 0xde: [2, 2, 0], 0xdf: [4, 2, 0] },
};

/** Bytes of numbers and small extension types, the head included; nil, true and false are one byte. */
const fixedSizes: Record<number, number> = {
  ...{ 0xca: 5, 0xcb: 9, 0xcc: 2, 0xcd: 3, 0xce: 5, 0xcf: 9, 0xd0: 2, 0xd1: 3, 0xd2: 5, 0xd3: 9 },
  ...{ 0xd4: 3, 0xd5: 4, 0xd6: 6, 0xd7: 10, 0xd8: 18 },
};
