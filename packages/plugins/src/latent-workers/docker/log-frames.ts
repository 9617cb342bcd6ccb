const headerBytes = 8;

/**
 * Reads the text of a container's log. Each piece has a header: its stream, three zeros, and its length in four bytes. A
 * container with a terminal has no headers.
 */
export function readLogFrames(bytes: Buffer): string {
  const pieces: Buffer[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    if (!beginsFrame(bytes, offset)) {
      pieces.push(bytes.subarray(offset));
      break;
    }
    const begin = offset + headerBytes;
    offset = begin + bytes.readUInt32BE(offset + 4);
    pieces.push(bytes.subarray(begin, offset));
  }
  const text = Buffer.concat(pieces).toString("utf8");
  return [...text].filter((c) => c === "\n" || c >= " ").join("");
}

function beginsFrame(bytes: Buffer, offset: number): boolean {
  if (bytes.length - offset < headerBytes) return false;
  return (bytes[offset] as number) <= 2 && bytes.readUIntBE(offset + 1, 3) === 0;
}
