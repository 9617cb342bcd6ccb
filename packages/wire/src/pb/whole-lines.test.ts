import { describe, expect, it } from "vitest";
import { WholeLines } from "./whole-lines.ts";

function split(...pieces: (string | Uint8Array)[]): string[] {
  const lines = new WholeLines();
  return [...pieces.map((piece) => lines.add(piece)), lines.end()];
}

describe("whole lines", () => {
  it.each<[string, (string | Uint8Array)[], string[]]>([
    ["pass unchanged", ["a\nb\n"], ["a\nb\n", ""]],
    ["are put together of pieces", ["a", "b\nc", "d"], ["", "ab\n", "", "cd\n"]],
    ["end where a progress bar starts over", ["10%\r", "20%\r\n"], ["", "10%\n20%\n", ""]],
    ["keep no carriage return before a newline that comes later", ["x\r", "\ny\n"], ["", "x\ny\n", ""]],
    ["come while a progress bar runs", ["1\r2\r3", "\r4"], ["1\n2\n", "3\n", "4\n"]],
    ["end at backspaces, however they are cut", ["a\b", "\bb\n"], ["", "a\nb\n", ""]],
    ["end at a cleared screen", ["x\u001b[2", "Jy\n"], ["", "x\ny\n", ""]],
    ["have characters that are cut in bytes", [Buffer.from([0x68, 0xc3]), Buffer.from([0xa9, 0x0a])], ["", "hé\n", ""]],
    [
      "have replacements for bytes that are no text",
      [Buffer.from([0x61, 0xff, 0x0a, 0xc3])],
      ["a\ufffd\n", "\ufffd\n"],
    ],
  ])("%s", (_, pieces, expected) => {
    expect(split(...pieces)).toEqual(expected);
  });

  it("are cut where a line has no end", () => {
    const lines = new WholeLines();
    const sizes = Array.from({ length: 30 }, () => lines.add("x".repeat(100_000)).length);
    expect(sizes.some((size) => size > 0)).toBe(true);
    expect(sizes.reduce((sum, size) => sum + size, 0) + lines.end().length).toBeGreaterThan(3_000_000);
  });
});
