import { expect, it } from "vitest";
import { readLogFrames } from "./log-frames.ts";

function frame(stream: number, text: string): Buffer {
  const content = Buffer.from(text);
  const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(content.length, 4);
  return Buffer.concat([header, content]);
}

it("leaves out the header of each piece, whatever its length looks like as text", () => {
  // 0x21 is "!", and 0x80 begins no character.
  const pieces = [frame(1, `${"a".repeat(0x20)}\n`), frame(2, "ü".repeat(0x40)), frame(1, "")];
  expect(readLogFrames(Buffer.concat(pieces))).toBe(`${"a".repeat(0x20)}\n${"ü".repeat(0x40)}`);
});

it("returns text without headers as it is, and the beginning of a piece that is cut off", () => {
  expect(readLogFrames(Buffer.from("plain\r\ntext\n"))).toBe("plain\ntext\n");
  expect(readLogFrames(frame(1, "whole").subarray(0, 11))).toBe("who");
  expect(readLogFrames(Buffer.alloc(0))).toBe("");
});
