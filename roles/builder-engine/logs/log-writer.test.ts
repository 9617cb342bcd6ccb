import { systemClock } from "@multimaster/core";
import { describe, expect, it } from "vitest";
import { waitFor } from "../../../test/harness/wait-for.ts";
import { LogWriter } from "./log-writer.ts";

function makeLog(type: "s" | "t" = "s", options: { batch?: number; highWater?: number; delayMs?: number } = {}) {
  const stored: { firstLine: number; text: string }[] = [];
  let gate: Promise<void> = Promise.resolve();
  const writer = new LogWriter({
    type,
    clock: systemClock,
    delayMs: 5,
    ...options,
    async append(firstLine, text) {
      await gate;
      stored.push({ firstLine, text });
    },
  });
  return {
    writer,
    stored,
    text: () => stored.map((one) => one.text).join(""),
    /** Holds the database back until the returned function is called. */
    hold() {
      let release = () => {};
      gate = new Promise((resolve) => {
        release = resolve;
      });
      return release;
    },
  };
}

describe("lines of a log", () => {
  const cases: [name: string, writes: [string, ("stdout" | "stderr" | "header")?][], expected: string][] = [
    ["get the letter of their stream", [["a\nb\n"], ["c\n", "stderr"], ["d\n", "header"]], "oa\nob\nec\nhd\n"],
    ["are joined from pieces, each stream for itself", [["ab"], ["x\n", "stderr"], ["c\n"]], "ex\noabc\n"],
    ["end at the end, if nowhere else", [["no newline"]], "ono newline\n"],
    ["end at CRLF, also when it is torn apart", [["a\r\nb\r"], ["\nc\n"]], "oa\nob\noc\n"],
    ["end at a carriage return that is not the last", [["10%\r20%\r"], ["30%\n"]], "o10%\no20%\no30%\n"],
    [
      "end at backspaces and cursor movements",
      [["a\b\b\bb\u001b[2Jc\u001b[10;1Hd\u001b[ue\n"]],
      "oa\nob\noc\nod\noe\n",
    ],
    ["keep colours", [["\u001b[31mred\u001b[0m\n"]], "o\u001b[31mred\u001b[0m\n"],
    ["may be empty", [["\n\n"]], "o\no\n"],
  ];

  it.each(cases)("%s", async (_name, writes, expected) => {
    const log = makeLog();
    for (const [text, stream] of writes) await log.writer.write(text, stream);
    await log.writer.finish();
    expect(log.text()).toBe(expected);
    expect(log.writer.lines).toBe(expected.split("\n").length - 1);
  });

  it("have no letter in a log of plain text", async () => {
    const log = makeLog("t");
    await log.writer.write("a\nb", "stderr");
    await log.writer.finish();
    expect(log.text()).toBe("a\nb\n");
  });

  it("that are too long for a chunk are cut between characters, nothing is lost", async () => {
    const log = makeLog();
    const line = "ä😀x".repeat(40_000);
    await log.writer.write(`${line}\nshort\n`);
    await log.writer.finish();
    const lines = log.text().split("\n").slice(0, -1);
    expect(lines.every((one) => Buffer.byteLength(one) <= 65_535)).toBe(true);
    expect(
      lines
        .slice(0, -1)
        .map((one) => one.slice(1))
        .join(""),
    ).toBe(line);
    expect(lines.at(-1)).toBe("oshort");
    expect(log.writer.lines).toBe(lines.length);
  });
});

describe("storing a log", () => {
  it("numbers lines without gap or overlap, in batches", async () => {
    const log = makeLog("s", { batch: 100 });
    for (let i = 0; i < 500; i += 1) await log.writer.write(`line ${i}\n`);
    await log.writer.finish();
    let next = 0;
    for (const { firstLine, text } of log.stored) {
      expect(firstLine).toBe(next);
      next += text.split("\n").length - 1;
    }
    expect(next).toBe(500);
    expect(log.stored.length).toBeLessThan(100);
  });

  it("stores a small piece soon, without waiting for more", async () => {
    const log = makeLog();
    await log.writer.write("hello\n");
    await waitFor(() => log.stored.length === 1, { what: "the line to be stored" });
    await log.writer.finish();
  });

  it("holds the writer back while too much is unstored, and loses nothing", async () => {
    const log = makeLog("s", { batch: 1000, highWater: 10_000 });
    const release = log.hold();
    let written = 0;
    const flood = (async () => {
      for (; written < 1000; written += 1) await log.writer.write(`${"x".repeat(99)}\n`);
    })();
    await waitFor(() => written >= 99, { what: "the writer to be held back" });
    await new Promise((resolve) => setImmediate(resolve));
    expect(written).toBeLessThan(110);
    release();
    await flood;
    await log.writer.finish();
    expect(log.text().length).toBe(1000 * 101);
  });

  it("fails for the writer when the log cannot be stored, also for one that waits", async () => {
    const writer = new LogWriter({
      type: "s",
      clock: systemClock,
      batch: 10,
      highWater: 20,
      append: () => Promise.reject(new Error("no more")),
    });
    await expect(writer.write(`${"x".repeat(100)}\n`)).rejects.toThrow("no more");
    await expect(writer.write("y\n")).rejects.toThrow("no more");
    await expect(writer.finish()).rejects.toThrow("no more");
  });
});

describe("a log of which lines are stored already", () => {
  it.each([
    [0, "oa\nob\noc\nod\n"],
    [1, "ob\noc\nod\n"],
    [3, "od\n"],
    [4, ""],
  ])("skips %i lines when it is written again, and goes on behind them", async (lines, expected) => {
    const stored: { firstLine: number; text: string }[] = [];
    const writer = new LogWriter({
      type: "s",
      clock: systemClock,
      stored: lines,
      append: async (firstLine, text) => void stored.push({ firstLine, text }),
    });
    await writer.write("a\nb\n");
    await writer.write("c\n");
    await writer.write("d");
    await writer.finish();
    expect(stored.map(({ text }) => text).join("")).toBe(expected);
    expect(stored[0]?.firstLine).toBe(lines);
  });
});
