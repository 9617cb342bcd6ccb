import { describe, expect, it } from "vitest";
import type { Connection } from "./connection.ts";
import { together } from "./together.ts";

const [one, other] = [{}, {}] as [Connection, Connection];

function recorded(keyOf?: (item: string) => unknown) {
  const batches: string[][] = [];
  const ask = together(async (_tx, items: readonly string[]) => {
    batches.push([...items]);
    if (items.includes("bad")) throw new Error("refused");
    return items.map((item) => item.toUpperCase());
  }, keyOf);
  return { batches, ask };
}

describe("statements that are alike", () => {
  it("become one, also when they are asked for a few microtasks apart, and each gets its own result", async () => {
    const { batches, ask } = recorded();
    const late = async (item: string) => {
      for (let n = 0; n < 10; n++) await undefined;
      return ask(one, item);
    };
    expect(await Promise.all([ask(one, "a"), late("b"), ask(one, "c")])).toEqual(["A", "B", "C"]);
    expect(batches.map((batch) => batch.length)).toEqual([3]);
    await ask(one, "d");
    expect(batches).toHaveLength(2);
  });

  it("of different connections stay apart", async () => {
    const { batches, ask } = recorded();
    expect(await Promise.all([ask(one, "a"), ask(other, "b")])).toEqual(["A", "B"]);
    expect(batches).toEqual([["a"], ["b"]]);
  });

  it("of one key come one after the other", async () => {
    const { batches, ask } = recorded((item) => item[0]);
    await Promise.all(["a1", "b1", "a2", "a3", "b2"].map((item) => ask(one, item)));
    expect(batches).toEqual([["a1", "b1"], ["a2", "b2"], ["a3"]]);
  });

  it("fail together, as the transaction does that they are in", async () => {
    const { ask } = recorded();
    const ends = await Promise.allSettled([ask(one, "a"), ask(one, "bad")]);
    expect(ends.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(await ask(one, "a")).toBe("A");
  });
});
