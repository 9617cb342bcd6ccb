import { beforeEach, describe, expect, it } from "vitest";
import type { Filter } from "../model/query.ts";
import { builds } from "../resources/builds.ts";
import type { CountedList, CountTotal } from "./count-total.ts";
import { RecentTotals } from "./recent-totals.ts";

/** Counts ids in memory as the database would its rows. */
let ids: number[];
let counted: number;
let now: number;
let totals: RecentTotals;
const count: CountTotal = async ({ context }, upTo) => {
  const found = ids.filter((id) => context.filters.every((filter) => matches(filter, id))).slice(0, upTo);
  counted += found.length;
  return found.length;
};
const matches = ({ operator, values }: Filter, id: number) =>
  operator === "lt" ? id < Number(values[0]) : operator === "ge" ? id >= Number(values[0]) : true;

const list = (...filters: Filter[]) =>
  ({ resource: builds, context: { params: {}, filters }, path: undefined }) as unknown as CountedList;
const before = (id: number): Filter => ({ field: "buildid", operator: "lt", values: [id] });

beforeEach(() => {
  ids = Array.from({ length: 5_000 }, (_, i) => i + 1);
  counted = 0;
  now = 0;
  totals = new RecentTotals(() => now, count);
});

describe("totals of lists", () => {
  it("are kept for a second when they are large", async () => {
    expect(await totals.count(list(), 10_000, 50)).toBe(5_000);
    ids.push(9_999);
    now = 999;
    expect(await totals.count(list(), 10_000, 50)).toBe(5_000);
    now = 1_000;
    expect(await totals.count(list(), 10_000, 50)).toBe(5_001);
  });

  it("are always counted when they are small", async () => {
    ids = ids.slice(0, 999);
    expect(await totals.count(list(), 10_000, 50)).toBe(999);
    ids.pop();
    expect(await totals.count(list(), 10_000, 50)).toBe(998);
  });

  it("never say that what was read is all while there is more", async () => {
    expect(await totals.count(list(), 10_000, 50)).toBe(5_000);
    ids.push(9_998, 9_999);
    expect(await totals.count(list(), 10_000, 5_000)).toBe(5_002);
  });

  it("are counted further where more is asked for", async () => {
    expect(await totals.count(list(), 2_000, 50)).toBe(2_000);
    expect(await totals.count(list(), 3_000, 50)).toBe(3_000);
    expect(await totals.count(list(), 2_500, 50)).toBe(2_500);
  });

  it("of lists that end before very different ids are counted once", async () => {
    ids = Array.from({ length: 70_000 }, (_, i) => i + 1).concat(900_000);
    for (let id = 66_000; id < 131_000; id += 1_024)
      expect(await totals.count(list(before(id)), 10_000, 50)).toBe(10_000);
    expect(counted).toBe(10_000);
  });

  it("of lists that end before an id are exact, and cost little for the next id", async () => {
    expect(await totals.count(list(before(4_500)), 10_000, 50)).toBe(4_499);
    counted = 0;
    for (const id of [4_100, 4_499, 4_700]) expect(await totals.count(list(before(id)), 10_000, 50)).toBe(id - 1);
    expect(counted).toBeLessThan(3 * 1_024);
    for (const id of [0, 1, 1_023, 1_024, 1_025, 7_000])
      expect(await totals.count(list(before(id)), 10_000, 0)).toBe(Math.max(0, Math.min(id - 1, 5_000)));
  });
});
