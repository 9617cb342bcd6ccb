import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { sharedPostgres } from "../harness/postgres.ts";
import type { Measure, Size } from "./measure.ts";
import { measures } from "./measures/index.ts";
import { runBuilds } from "./measures/noop.ts";
import { pageOf } from "./report/page.ts";
import { textOf } from "./report/text.ts";
import { runMeasures } from "./run-measures.ts";
import { Multimaster } from "./sides/multimaster.ts";
import type { Side } from "./sides/side.ts";
import { traceHops } from "./trace/trace-hops.ts";
import { withSystem } from "./with-system.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const size: Size = { quick: true, builds: 1000, pick: (quick) => quick };
const row = { title: "a row", unit: "per s", better: "more" } as const;

it("runs each measure on each side in turns, and reports figures, ratios, limits, curves and failures", async () => {
  const postgres = await sharedPostgres();
  const order: string[] = [];
  const side = (title: string): Side => ({ title, name: "multimaster", postgres }) as Side;
  const turns: Measure = {
    name: "turns",
    title: "Turns",
    about: "About turns.",
    rows: [{ ...row, name: "rate", goal: { text: "≥ 2 ×", times: 2 }, limit: "memory" }],
    async run({ title }, { note }) {
      order.push(title);
      note("<noted>");
      if (order.length === 5) throw new Error("out of order");
      return { rate: title === "first" ? 30 : 10 };
    },
  };
  const growth: Measure = {
    name: "growth",
    title: "Growth",
    about: "About growth.",
    along: "things",
    rows: [{ ...row, name: "grown" }],
    run: async () => ({ "grown@10": 7, "grown@100": 70 }),
  };
  const sides = [side("first"), side("second")];
  const machine = { processor: "none" };
  const options = { measures: [turns, growth], sides, postgres, size, rounds: 3, machine, print: () => {} };
  const results = await runMeasures(options);

  expect(order).toEqual(["first", "second", "second", "first", "first", "second"]);
  expect(results.failures).toEqual(["turns, round 3, first: out of order"]);
  expect(results.measures[0]?.rows[0]?.spreads).toMatchObject([
    { median: 30, rounds: 2 },
    { median: 10, rounds: 3 },
  ]);
  expect(results.measures[1]?.rows[0]?.curves?.[1]).toMatchObject([
    { x: 10, spread: { median: 7 } },
    { x: 100, spread: { median: 70 } },
  ]);
  const text = textOf(results);
  expect(text).toMatch(/a row +per s +30\.0 .*3\.00 × +≥ 2 × +yes/);
  expect(text).toMatch(/100 +70\.0 .* 70\.0/);
  const page = pageOf(results);
  expect(page).toContain("<svg");
  expect(page).toContain("&lt;noted&gt;");
  expect(page).not.toMatch(/<script|(src|href)=/);
});

it("runs builds on a master of this checkout, and finds every hop of a change", async () => {
  const side = new Multimaster(await sharedPostgres(), root);
  const rate = await withSystem(side, { scene: { workers: 2 } }, (system) => runBuilds(side, system, 5));
  expect(rate).toBeGreaterThan(0);
  const hops = await traceHops(side, 1, ["one process"]);
  expect([...hops.matchAll(/^ {2}(.*?) {2,}/gm)].map(([, hop]) => hop)).toEqual([
    "hook received",
    "change committed",
    "hook answered",
    "scheduler's decision committed",
    "engine's claim committed",
    "build created",
    "command sent",
    "command at the worker",
  ]);
});

it("names each measure and each row once", () => {
  const rows = measures.flatMap((measure) => measure.rows.map(({ name }) => name));
  expect(new Set(rows).size).toBe(rows.length);
  expect(new Set(measures.map(({ name }) => name)).size).toBe(measures.length);
});
