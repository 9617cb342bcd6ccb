import { decode } from "@msgpack/msgpack";
import { describe, expect, it } from "vitest";
import { BadFrame, decodeFrame, encodeFrame } from "./frames.ts";

describe("frames", () => {
  it("survive the way there and back, with binary data and large integers", () => {
    const message = {
      op: "x",
      seq_number: 0,
      text: "hé😀\n",
      data: new Uint8Array([0, 255]),
      big: 2 ** 40,
      none: null,
    };
    expect(decodeFrame(encodeFrame(message))).toEqual(message);
  });

  it("leave out undefined fields, because Python distinguishes missing from None", () => {
    expect(decode(encodeFrame({ a: undefined, b: null }))).toEqual({ b: null });
  });

  it("never hold text that is no UTF-8: half a surrogate pair is replaced, wherever it is", () => {
    expect(decodeFrame(encodeFrame({ a: ["ok", { b: "x\ud83d" }] }))).toEqual({ a: ["ok", { b: "x\ufffd" }] });
  });

  it("are accepted with text that is no UTF-8", () => {
    const bytes = Uint8Array.from([0x81, 0xa1, 0x61, 0xa3, 0x78, 0xff, 0x79]);
    expect(Object.keys(decodeFrame(bytes))).toEqual(["a"]);
  });

  it.each([
    ["no MessagePack", Buffer.from([0xc1])],
    ["an empty frame", Buffer.alloc(0)],
    ["a truncated map", Buffer.from([0x82, 0xa1, 0x61])],
    ["a list", Buffer.from([0x91, 0x01])],
    ["binary data", Buffer.from([0xc4, 0x01, 0x00])],
    ["a string that is longer than the frame", Buffer.from([0x81, 0xdb, 0x7f, 0xff, 0xff, 0xff])],
    ["trailing bytes", Buffer.from([0x80, 0x80])],
  ])("are refused as %s", (_, bytes) => {
    expect(() => decodeFrame(bytes)).toThrow(BadFrame);
  });

  it("are refused when they nest without end, before they take memory", () => {
    expect(() => decodeFrame(new Uint8Array(1_000_000).fill(0x91))).toThrow(/nested deeper/);
  });
});
