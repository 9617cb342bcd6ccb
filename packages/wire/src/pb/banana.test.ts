import { describe, expect, it } from "vitest";
import {
  BananaFloat,
  type BananaLimits,
  type Encodable,
  type Expression,
  loginLimits,
  maxStringBytes,
  workerLimits,
} from "./banana.ts";
import { BananaDecoder } from "./banana-decoder.ts";
import { encodeBanana } from "./banana-encoder.ts";
import { fromJelly } from "./from-jelly.ts";
import { toJelly } from "./to-jelly.ts";
import { Tuple } from "./values.ts";

function decode(bytes: Uint8Array, limits: BananaLimits = workerLimits): Expression[] {
  const found: Expression[] = [];
  const decoder = new BananaDecoder(limits, (expression) => found.push(expression));
  decoder.usesVocabulary = true;
  decoder.feed(Buffer.from(bytes));
  return found;
}
const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");
/** A header with a number, least significant digit first. */
const head = (number: number, type: number) => {
  const bytes = encodeBanana(number, false);
  bytes[bytes.length - 1] = type;
  return bytes;
};
const nested = (depth: number) => Buffer.concat(Array.from({ length: depth }, () => head(1, 0x80)));

describe("banana", () => {
  it.each<[Encodable, string]>([
    [0, "00 81"],
    [1200, "30 09 81"],
    [-1, "01 83"],
    [2 ** 31 - 1, "7f 7f 7f 7f 07 81"],
    [2 ** 31, "00 00 00 00 08 85"],
    [-(2 ** 31), "00 00 00 00 08 83"],
    [-(2 ** 31) - 1, "01 00 00 00 08 86"],
    [2 ** 40, "00 00 00 00 00 20 85"],
    ["pb", "02 82 70 62"],
    ["list", "08 87"],
    [[], "00 80"],
    [new BananaFloat(0.5), "84 3f e0 00 00 00 00 00 00"],
  ])("%j is packed as %s and read again", (value, bytes) => {
    expect(encodeBanana(value, true).toString("hex")).toBe(bytes.replaceAll(" ", ""));
    const expected = typeof value === "string" ? Buffer.from(value) : value;
    expect(decode(hex(bytes))).toEqual([expected]);
  });

  it("reads any integer of ten digits, exactly", () => {
    expect(decode(hex("7f 7f 7f 7f 7f 7f 7f 7f 7f 7f 85"))).toEqual([2n ** 70n - 1n]);
    expect(decode(hex("00 83"))).toEqual([0]);
  });

  it.each<[string, Uint8Array, BananaLimits?]>([
    ["a type that does not exist", hex("88")],
    ["a word outside the vocabulary", hex("20 87")],
    ["the word 0", hex("00 87")],
    ["an integer of eleven digits", hex("00 00 00 00 00 00 00 00 00 00 00 81")],
    ["a length of four digits", hex("01 00 00 00 82")],
    ["a float with digits", hex("01 84")],
    ["a string above the limit", head(maxStringBytes + 1, 0x82)],
    ["a string above the limit before the login", head(1025, 0x82), loginLimits],
    ["a list above the limit", head(200_001, 0x80)],
    ["a list above the limit before the login", head(17, 0x80), loginLimits],
    ["lists that nest too deeply", nested(33)],
    ["lists that nest too deeply before the login", nested(7), loginLimits],
    [
      "too many values before the login",
      Buffer.concat([
        head(5, 0x80),
        ...Array.from({ length: 5 }, () => Buffer.concat([head(14, 0x80), ...Array(14).fill(hex("00 81"))])),
      ]),
      loginLimits,
    ],
    [
      "more values than announced lists may have",
      Buffer.concat([
        head(6, 0x80),
        ...Array.from({ length: 5 }, () => Buffer.concat([head(200_000, 0x80), Buffer.alloc(400_000, hex("00 81"))])),
      ]),
    ],
    [
      "too many bytes before the login",
      Buffer.concat([head(5, 0x80), ...Array(5).fill(Buffer.concat([head(1000, 0x82), Buffer.alloc(1000)]))]),
      loginLimits,
    ],
    [
      "too many bytes",
      Buffer.concat([
        head(60, 0x80),
        ...Array(60).fill(Buffer.concat([head(maxStringBytes, 0x82), Buffer.alloc(maxStringBytes)])),
      ]),
    ],
  ])("refuses %s", (_, bytes, limits) => {
    expect(() => decode(bytes, limits)).toThrow(/./);
    expect(decode(hex("00 81"), limits)).toEqual([0]);
  });

  it("refuses words while the dialect has none", () => {
    const decoder = new BananaDecoder(workerLimits, () => undefined);
    expect(() => decoder.feed(hex("08 87"))).toThrow("vocabulary");
  });

  it("allocates nothing for what is only announced", () => {
    const before = process.memoryUsage().arrayBuffers;
    const decoders = Array.from({ length: 1000 }, () => {
      const decoder = new BananaDecoder(workerLimits, () => undefined);
      decoder.feed(Buffer.concat([head(maxStringBytes, 0x82), hex("61")]));
      return decoder;
    });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000);
    expect(decoders).toHaveLength(1000);
  });
});

describe("jelly", () => {
  const read = (value: Encodable) => fromJelly(decode(encodeBanana(value, true))[0] as Expression);

  it("is read as it was wrapped", () => {
    const value = { text: "ü", number: 1.5, list: [1, null, true], tuple: new Tuple("a"), bytes: Buffer.from([0xff]) };
    expect(read(toJelly(value))).toEqual(
      new Map<string, unknown>([
        ["text", "ü"],
        ["number", 1.5],
        ["list", [1, null, true]],
        ["tuple", ["a"]],
        ["bytes", Buffer.from([0xff])],
      ]),
    );
  });

  it.each<[string, Encodable]>([
    ["an unknown word", ["os.system", "rm"]],
    ["a class", ["class", "os.system"]],
    ["a set", ["set", 1]],
    ["an instance", ["instance", ["class", "a.b"], ["dictionary"]]],
    ["a list without a word", [[1]]],
    ["nothing", []],
    ["a boolean of another kind", ["boolean", "maybe"]],
    ["an entry that is no pair", ["dictionary", ["a"]]],
    ["a list as a key", ["dictionary", [["list"], 1]]],
    ["an object without a number", ["remote", "root"]],
    ["an object with a number out of range", ["remote", 2 ** 31 + 1]],
    ["a reference to nothing", ["dereference", 1]],
    ["a cycle", ["reference", 1, ["list", ["dereference", 1]]]],
    ["a reference that is defined twice", ["list", ["reference", 1, ["list"]], ["reference", 1, ["list"]]]],
    ["a failure without a state", ["twisted.spread.pb.CopyableFailure", ["list"]]],
  ])("refuses %s", (_, value) => {
    expect(() => read(value)).toThrow(/./);
  });

  it("shares what is referred to, and refuses references that stand for too much", () => {
    const [a, b] = read(["list", ["reference", 1, ["list", 7]], ["dereference", 1]]) as unknown[];
    expect(a).toBe(b);
    const double = (n: number): Encodable => ["reference", n, ["list", ["dereference", n - 1], ["dereference", n - 1]]];
    const bomb: Encodable = [
      "list",
      ["reference", 1, ["list", 1]],
      ...Array.from({ length: 30 }, (_, n) => double(n + 2)),
    ];
    expect(() => read(bomb)).toThrow("1000000");
  });

  it("takes names of anything as names only", () => {
    const value = read(["dictionary", [["unicode", "__proto__"], 1], [["unicode", "constructor"], 2]]) as Map<
      string,
      unknown
    >;
    expect([...value]).toEqual([
      ["__proto__", 1],
      ["constructor", 2],
    ]);
  });

  it("refuses to wrap what a worker would drop the connection for, and names it", () => {
    const command = ["sh", "x".repeat(maxStringBytes + 1)];
    expect(() => toJelly({ command }, "shell")).toThrow("shell.command[1] is 655361 bytes long");
    expect(() => toJelly({ command: ["x".repeat(maxStringBytes)] }, "shell")).not.toThrow();
  });
});
