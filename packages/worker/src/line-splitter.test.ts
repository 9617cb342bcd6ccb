import { defaultWorkerSettings } from "@multimaster/wire";
import { describe, expect, it } from "vitest";
import { countCodePoints, LineSplitter, type Lines } from "./line-splitter.ts";
import { compileNewlinePattern } from "./newline-pattern.ts";

function makeSplitter(maxLineLength = 1_000_000, pattern = defaultWorkerSettings.newline_re) {
  let time = 0;
  return new LineSplitter({ newline: compileNewlinePattern(pattern), maxLineLength, now: () => (time += 1) });
}

const bytes = (text: string) => Buffer.from(text, "utf8");
const textOf = (pieces: (Lines | undefined)[]) => pieces.map((lines) => lines?.text ?? "").join("");

describe("the line splitter", () => {
  it("counts positions in code points, as Python does", () => {
    expect(makeSplitter().push(bytes("héé\nü\n😀x\n"))?.positions).toEqual([3, 5, 8]);
    expect(countCodePoints("a😀b")).toBe(3);
  });

  it("stamps each line with the time at which its first character was read", () => {
    const splitter = makeSplitter();
    expect(splitter.push(bytes("a\nbe"))).toMatchObject({ text: "a\n", times: [1] });
    expect(splitter.push(bytes("gun\nc\n"))).toMatchObject({ text: "begun\nc\n", times: [1, 2] });
  });

  it("holds an unfinished line back until it is finished or the stream ends", () => {
    const splitter = makeSplitter();
    expect(splitter.push(bytes("prompt> "))).toBeUndefined();
    expect(splitter.end()?.text).toBe("prompt> \n");
    expect(splitter.end()).toBeUndefined();
  });

  it("keeps a character whose bytes come in two reads", () => {
    const splitter = makeSplitter();
    const all = bytes("😀\n");
    expect(textOf([...all].map((byte) => splitter.push(Uint8Array.of(byte))))).toBe("😀\n");
  });

  it("shows bytes that are no UTF-8, also at the very end", () => {
    const splitter = makeSplitter();
    expect(splitter.push(Uint8Array.of(0x61, 0xff, 0x0a))?.text).toBe("a\ufffd\n");
    splitter.push(Uint8Array.of(0x62, 0xc3));
    expect(splitter.end()?.text).toBe("b\ufffd\n");
  });

  it.each([
    ["10%\r20%\rdone\n", "10%\n20%\ndone\n"],
    ["dos\r\nunix\n", "dos\nunix\n"],
    ["two\r\r\nreturns\n", "two\n\nreturns\n"],
    ["a\x1b[2Jb\x1b[1;2Hc\x1b[ud\b\b\be\n", "a\nb\nc\nd\ne\n"],
    ["colour \x1b[31mred\x1b[0m\n", "colour \x1b[31mred\x1b[0m\n"],
  ])("makes newlines of the same sequences however they are cut: %j", (input, output) => {
    expect(makeSplitter().push(bytes(input))?.text).toBe(output);
    for (let cut = 1; cut < input.length; cut += 1) {
      if (input[cut - 1] === "\b" && input[cut] === "\b") continue;
      const splitter = makeSplitter();
      expect(
        textOf([splitter.push(bytes(input.slice(0, cut))), splitter.push(bytes(input.slice(cut))), splitter.end()]),
      ).toBe(output);
    }
  });

  it("leaves everything as it is with a pattern that never matches", () => {
    expect(makeSplitter(100, "(?!)").push(bytes("a\rb\n"))?.text).toBe("a\rb\n");
  });

  it("cuts a line that is too long without losing a character", () => {
    const splitter = makeSplitter(10);
    const input = `${"0123456789".repeat(3)}abc\n${"x".repeat(10)}\n${"y".repeat(11)}`;
    const output = textOf([
      splitter.push(bytes(input.slice(0, 25))),
      splitter.push(bytes(input.slice(25))),
      splitter.end(),
    ]);
    expect(output.split("\n").every((line) => line.length <= 10)).toBe(true);
    expect(output.replaceAll("\n", "")).toBe(input.replaceAll("\n", ""));
    expect(output).toContain(`\n${"x".repeat(10)}\ny`);
  });

  it("cuts between code points, never inside one", () => {
    const output = textOf([makeSplitter(3).push(bytes(`${"😀".repeat(7)}\n`))]);
    expect(output).toBe("😀😀😀\n😀😀😀\n😀\n");
  });

  it("takes a line of many megabytes in linear time and bounded memory", () => {
    const splitter = makeSplitter(1_000_000);
    const chunk = bytes("x".repeat(65_536));
    let total = 0;
    for (let n = 0; n < 500; n += 1) total += splitter.push(chunk)?.text.replaceAll("\n", "").length ?? 0;
    total += splitter.end()?.text.replaceAll("\n", "").length ?? 0;
    expect(total).toBe(500 * 65_536);
  });
});
