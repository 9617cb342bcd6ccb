const blockSize = 512;

/** Blocks of a GNU tar archive that name the next entry ("L") or the target of its link ("K") with any bytes. */
export function packLongName(type: "L" | "K", name: Uint8Array): Buffer {
  const size = name.length + 1;
  const header = Buffer.alloc(blockSize);
  header.write("././@LongLink", 0, "latin1");
  header.write(`0000644\0${"0000000\0".repeat(2)}`, 100, "latin1");
  header.write(`${size.toString(8).padStart(11, "0")}\0${"0".repeat(11)}\0`, 124, "latin1");
  // The checksum counts its own field as spaces.
  header.write(`${" ".repeat(8)}${type}`, 148, "latin1");
  header.write("ustar  \0", 257, "latin1");
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  const content = Buffer.alloc(Math.ceil(size / blockSize) * blockSize);
  content.set(name);
  return Buffer.concat([header, content]);
}
