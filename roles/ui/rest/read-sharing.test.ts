import { describe, expect, it } from "vitest";
import { SharedReads } from "./read-sharing.ts";

describe("reads of the same at the same time", () => {
  it("share the next one, never one that began before they asked", async () => {
    const reads = new SharedReads<number>();
    const ends: ((value: number) => void)[] = [];
    const read = () => new Promise<number>((resolve) => ends.push(resolve));
    const first = reads.get("a", read);
    const second = reads.get("a", read);
    const third = reads.get("a", read);
    const other = reads.get("b", read);
    expect(ends).toHaveLength(2);
    ends[1]?.(20);
    expect(await other).toEqual({ answer: 20, isFirst: true });
    ends[0]?.(1);
    expect(await first).toEqual({ answer: 1, isFirst: true });
    await new Promise(setImmediate);
    expect(ends).toHaveLength(3);
    const late = reads.get("a", read);
    ends[2]?.(2);
    expect(await second).toEqual({ answer: 2, isFirst: true });
    expect(await third).toEqual({ answer: 2, isFirst: false });
    await new Promise(setImmediate);
    ends[3]?.(3);
    expect(await late).toEqual({ answer: 3, isFirst: true });
  });

  it("fail together, and the next one is read again", async () => {
    const reads = new SharedReads<number>();
    let times = 0;
    const read = async () => {
      times += 1;
      if (times < 3) throw new Error("away");
      return times;
    };
    const ends = await Promise.allSettled([reads.get("a", read), reads.get("a", read), reads.get("a", read)]);
    expect(ends.map((end) => end.status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(await reads.get("a", read)).toEqual({ answer: 3, isFirst: true });
  });
});
