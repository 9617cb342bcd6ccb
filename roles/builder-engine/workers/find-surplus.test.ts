import type { EngineLoad } from "@multimaster/data";
import { describe, expect, it } from "vitest";
import { findSurplus } from "./find-surplus.ts";

const engines = (workers: readonly number[], facts: Partial<EngineLoad> = {}): EngineLoad[] =>
  workers.map((count, i) => ({
    masterid: i + 1,
    running: true,
    release: "1",
    age: 1000,
    workers: count,
    ...(i === 1 ? facts : {}),
  }));

describe("the surplus of the first engine", () => {
  it.each<[workers: number[], surplus: number]>([
    [[60, 0], 30],
    [[12, 0], 6],
    [[4, 0], 2],
    [[2000, 0, 0], 1333],
    [[0, 60], 0],
    // One or two more than the others, or a quarter, is no reason to move anything.
    [[2, 0], 0],
    [[3, 0], 0],
    [[6, 4], 0],
    [[62, 38], 0],
    [[63, 37], 13],
    [[60], 0],
    [[0, 0], 0],
  ])("of %j is %i", (workers, surplus) => {
    expect(findSurplus(1, engines(workers), 20)).toBe(surplus);
  });

  it.each<[string, Partial<EngineLoad>]>([
    ["starts or drains", { running: false }],
    ["has just joined", { age: 5 }],
    ["is of another release", { release: "2" }],
  ])("is none while another engine %s", (_, facts) => {
    expect(findSurplus(1, engines([60, 0], facts), 20)).toBe(0);
  });

  it("is moved once: with what is left no one has a surplus", () => {
    for (let total = 0; total < 200; total++) {
      for (const others of [1, 2, 5]) {
        const loads = engines([total, ...Array.from({ length: others }, () => 0)]);
        const surplus = findSurplus(1, loads, 20);
        const moved = loads.map((load) => ({ ...load }));
        for (let i = 0; i < surplus; i++) {
          (moved[0] as EngineLoad).workers--;
          const [least] = moved.slice(1).toSorted((a, b) => a.workers - b.workers);
          (least as EngineLoad).workers++;
        }
        for (const { masterid } of moved) expect(findSurplus(masterid, moved, 20)).toBe(0);
      }
    }
  });
});
