import { systemClock } from "@multimaster/core";
import { describe, expect, it } from "vitest";
import { LogLimit, type LogLimits } from "./log-limit.ts";
import { LogWriter } from "./log-writer.ts";

const lines = (text: string) => ({ text, count: text.split("\n").length - 1 });

/** What is stored of these pieces. */
function store(pieces: readonly string[], limits: LogLimits): string {
  const limit = new LogLimit(limits, (sentence) => `#${sentence}`);
  const passed = [...pieces.map((piece) => limit.pass(lines(piece))), limit.finish()];
  for (const { text, count } of passed) expect(count).toBe(lines(text).count);
  return passed.map(({ text }) => text).join("");
}

describe("a limited log", () => {
  it("is stored as it is up to its limit", () => {
    const pieces = ["one\n", "two\n"];
    expect(store(pieces, { maxSize: 8, maxTailSize: 4 })).toBe("one\ntwo\n");
    expect(store(pieces, { maxSize: null, maxTailSize: 0 })).toBe("one\ntwo\n");
  });

  it("keeps its beginning and its end, and says what is missing", () => {
    expect(store(["one\ntwo\nthree\n", "four\n", "five\nsix\n"], { maxSize: 9, maxTailSize: 9 })).toBe(
      [
        "one",
        "two",
        "#This log is larger than 9 bytes (logMaxSize). What follows is not kept, but for its last 9 bytes.",
        "#2 lines (11 bytes) were not kept here.",
        "five",
        "six",
        "",
      ].join("\n"),
    );
  });

  it("keeps nothing of the end without a tail, and no half of a line or of a character", () => {
    expect(store(["ä\nöö\n", "ü\n"], { maxSize: 4, maxTailSize: 0 })).toMatch(
      /^ä\n#.*not kept\.\n#2 lines .8 bytes.*\n$/,
    );
    expect(store(["ä\nöö\nü\n"], { maxSize: 1, maxTailSize: 7 })).toMatch(/^#.*\n#2 lines .8 bytes.*\nü\n$/);
  });

  it("of any pieces holds the head, then two sentences, then the tail", () => {
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return Math.floor((seed / 2147483648) * below);
    };
    for (let round = 0; round < 500; round += 1) {
      const limits = { maxSize: random(60), maxTailSize: random(60) };
      const pieces = Array.from({ length: 1 + random(8) }, () =>
        Array.from(
          { length: 1 + random(5) },
          () => `${[..."xé漢🦆"].slice(0, random(5)).join("")}${"y".repeat(random(20))}\n`,
        ).join(""),
      );
      const all = pieces.join("");
      const stored = store(pieces, limits);
      if (Buffer.byteLength(all) <= limits.maxSize) {
        expect(stored).toBe(all);
        continue;
      }
      const [, head, tail] = /^([^#]*)#This log[^\n]*\n#\d+ lines[^\n]*\n([^#]*)$/.exec(stored) as unknown as string[];
      expect(all.startsWith(head as string) && all.endsWith(tail as string)).toBe(true);
      expect(Buffer.byteLength(head as string)).toBeLessThanOrEqual(limits.maxSize);
      expect(Buffer.byteLength(tail as string)).toBeLessThanOrEqual(limits.maxTailSize);
    }
  });

  it.each(["s", "t", "h"] as const)("of type %s stores a bounded amount of any flood", async (type) => {
    let stored = 0;
    const writer = new LogWriter({
      type,
      clock: systemClock,
      limits: { maxSize: 10_000, maxTailSize: 1000 },
      append: async (_, text) => void (stored += Buffer.byteLength(text)),
    });
    for (const piece of ["\n".repeat(100_000), "x".repeat(2_000_000), "漢\n".repeat(100_000), "end\n"]) {
      await writer.write(piece);
      await writer.write(piece, "stderr");
    }
    await writer.finish();
    expect(stored).toBeGreaterThan(10_000);
    expect(stored).toBeLessThan(11_500);
  });
});
