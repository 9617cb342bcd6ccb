import { expect, it } from "vitest";
import { RawSizes } from "./raw-sizes.ts";

/** A log that grows, and counts the bytes that are read of it. */
function createLog() {
  const lines: Buffer[] = [];
  let bytesRead = 0;
  async function* read(line: number) {
    for (const text of lines.slice(line)) {
      bytesRead += text.length;
      yield text;
    }
  }
  return { lines, read, bytesRead: () => bytesRead };
}

it("measures a log that grows by reading each line once, however often it is asked", async () => {
  const log = createLog();
  const sizes = new RawSizes();
  for (let i = 0; i < 500; i++) {
    log.lines.push(Buffer.from(`line ${i}\n`));
    const size = await sizes.measure(7, 10, log.read);
    expect(size).toBe(10 + Buffer.concat(log.lines).length);
  }
  expect(log.bytesRead()).toBe(Buffer.concat(log.lines).length);
});

it("knows places from which a range can be read, and only right ones", async () => {
  const log = createLog();
  const sizes = new RawSizes();
  for (let step = 0; step < 60; step++) {
    // Several lines at once, none, empty ones.
    for (let i = 0; i < step % 4; i++) log.lines.push(Buffer.from(`${"x".repeat((step * 7 + i) % 11)}\n`));
    await sizes.measure(1, 3, log.read);
  }
  for (let byte = 0; byte < 700; byte++) {
    const mark = sizes.markBefore(1, byte);
    if (mark === undefined) continue;
    expect(mark.size).toBeLessThanOrEqual(byte);
    expect(mark.size).toBe(3 + Buffer.concat(log.lines.slice(0, mark.line)).length);
  }
  expect(sizes.markBefore(1, 700)?.line).toBe(log.lines.length);
});

it("remembers no more than so many logs", async () => {
  const log = createLog();
  log.lines.push(Buffer.from("x\n"));
  const sizes = new RawSizes();
  for (let id = 0; id < 3_000; id++) await sizes.measure(id, 0, log.read);
  expect(sizes.markBefore(0, 99)).toBeUndefined();
  expect(sizes.markBefore(2_999, 99)).toEqual({ line: 1, size: 2 });
});
