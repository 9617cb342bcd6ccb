import { describe, expect, it } from "vitest";
import { batched } from "./batched.ts";

describe("batched acts", () => {
  it("go together when they come together, in order and no more than allowed at once", async () => {
    const batches: number[][] = [];
    const double = batched(
      async (items: readonly number[]) => {
        batches.push([...items]);
        return items.map((item) => 2 * item);
      },
      { most: 3 },
    );
    expect(await Promise.all([1, 2, 3, 4].map(double))).toEqual([2, 4, 6, 8]);
    expect(await double(5)).toBe(10);
    expect(batches).toEqual([[1, 2, 3], [4], [5]]);
  });

  it("fail together, and the next go on", async () => {
    let fails = true;
    const act = batched(async (items: readonly number[]) => {
      if (fails) throw new Error("away");
      return items;
    });
    const ends = await Promise.allSettled([act(1), act(2)]);
    expect(ends.map((end) => end.status)).toEqual(["rejected", "rejected"]);
    fails = false;
    expect(await act(3)).toBe(3);
  });

  it("fail each by itself where a failure may be of one of them only", async () => {
    const batches: string[][] = [];
    const act = batched(
      async (items: readonly string[]) => {
        batches.push([...items]);
        for (const item of items) if (item.startsWith("bad")) throw new Error(`${item} is refused`);
        return items;
      },
      { isOfOne: (error) => error instanceof Error && error.message.endsWith("refused") },
    );
    const ends = await Promise.allSettled(["a", "bad", "b"].map(act));
    expect(ends.map((end) => (end.status === "fulfilled" ? end.value : (end.reason as Error).message))).toEqual([
      "a",
      "bad is refused",
      "b",
    ]);
    expect(batches).toEqual([["a", "bad", "b"], ["a"], ["bad"], ["b"]]);
  });
});
