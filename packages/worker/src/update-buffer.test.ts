import { describe, expect, it } from "vitest";
import { UpdateBuffer } from "./update-buffer.ts";

function makeBuffer(size: number) {
  const sent: unknown[][] = [];
  const answers: (() => void)[] = [];
  const buffer = new UpdateBuffer({
    size,
    timeoutMs: 60_000,
    send(pairs) {
      sent.push(pairs);
      return new Promise<void>((resolve) => answers.push(resolve));
    },
  });
  return { buffer, sent, answer: () => answers.shift()?.() };
}

const line = (text: string, time = 1) => ({ text: `${text}\n`, positions: [text.length], times: [time] });

describe("the update buffer", () => {
  it("merges pieces of one stream that follow each other, and keeps the order between streams", () => {
    const { buffer, sent } = makeBuffer(65_536);
    buffer.addLines("stdout", line("a"), false);
    buffer.addLines("stdout", line("bc", 2), false);
    buffer.addLines("stderr", line("e"), false);
    buffer.addLines("build", line("l"), true);
    buffer.add("rc", 0);
    buffer.flush();
    expect(sent).toEqual([
      [
        ["stdout", ["a\nbc\n", [1, 4], [1, 2]]],
        ["stderr", ["e\n", [1], [1]]],
        ["log", ["build", ["l\n", [1], [1]]]],
        ["rc", 0],
      ],
    ]);
  });

  it("is sent when it is full, and not when it is empty", () => {
    const { buffer, sent } = makeBuffer(100);
    buffer.flush();
    expect(sent).toHaveLength(0);
    for (let n = 0; n < 10; n += 1) buffer.addLines("stdout", line("x".repeat(20)), false);
    expect(sent.length).toBeGreaterThan(2);
    buffer.flush();
  });

  it("says when the master is behind, and when it has caught up", async () => {
    const { buffer, answer, sent } = makeBuffer(1000);
    while (!buffer.isCongested) buffer.addLines("stdout", line("x".repeat(1000)), false);
    const drained = buffer.whenDrained();
    for (let n = 0; n < sent.length; n += 1) answer();
    await drained;
    expect(buffer.isCongested).toBe(false);
  });

  it("holds no one back once no one listens", async () => {
    const { buffer, sent } = makeBuffer(1000);
    while (!buffer.isCongested) buffer.addLines("stdout", line("x".repeat(1000)), false);
    const drained = buffer.whenDrained();
    buffer.discard();
    await drained;
    const before = sent.length;
    for (let n = 0; n < 5000; n += 1) buffer.addLines("stdout", line("x".repeat(1000)), false);
    expect(sent).toHaveLength(before);
    expect(buffer.isCongested).toBe(false);
  });
});
