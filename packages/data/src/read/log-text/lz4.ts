/** Unpacks an LZ4 block that has its unpacked size in four bytes before it, as python-lz4 writes them. */
export function decodeLz4(stored: Buffer, maxSize: number): Buffer {
  const size = stored.readUInt32LE(0);
  if (size > maxSize) throw new RangeError("too large");
  const out = Buffer.alloc(size);
  let from = 4;
  let to = 0;

  const readByte = (): number => {
    const byte = stored[from++];
    if (byte === undefined) throw new RangeError("cut short");
    return byte;
  };
  // Fifteen in a half of the token means that more length follows, byte by byte, until one is not 255.
  const readLength = (half: number): number => {
    let length = half;
    if (half === 15) for (let byte = 255; byte === 255; length += byte) byte = readByte();
    return length;
  };

  while (from < stored.length) {
    const token = readByte();
    const literals = readLength(token >> 4);
    if (from + literals > stored.length || to + literals > size) throw new RangeError("damaged");
    stored.copy(out, to, from, from + literals);
    from += literals;
    to += literals;
    if (from >= stored.length) break;
    const distance = readByte() | (readByte() << 8);
    const length = readLength(token & 15) + 4;
    if (distance === 0 || distance > to || to + length > size) throw new RangeError("damaged");
    // Byte by byte: a match may overlap what it writes.
    for (let i = 0; i < length; i++, to++) out[to] = out[to - distance] as number;
  }
  if (to !== size) throw new RangeError("cut short");
  return out;
}
