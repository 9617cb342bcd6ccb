import type { MeasureResults, Results } from "../run-measures.ts";
import { shown } from "../statistics.ts";
import { describeSpread, verdictOn } from "./verdict.ts";

/** The report as plain text: one table, the raw limits, curves, notes and failures. */
export function textOf(results: Results): string {
  const { sides, machine, rounds, quick, seconds, failures } = results;
  const form = `${quick ? "quick form, " : ""}${rounds === 1 ? "one round" : `${rounds} rounds: median (minimum – maximum)`}, ${seconds} s`;
  const parts = [
    `${form}\n${Object.entries(machine)
      .map(([word, value]) => `${word}: ${value}`)
      .join("\n")}`,
    tableOf(["what", "unit", ...sides, ...others(sides), "goal", "met", "of the raw limit"], rowsOf(results)),
    tableOf(
      ["raw limit", "unit", "figure"],
      results.limits.map(({ title, unit, spread }) => [title, unit, describeSpread(spread)]),
    ),
    ...results.measures.filter(({ along }) => along !== undefined).map((measure) => curvesOf(measure, sides)),
    ...results.measures.flatMap(({ notes }) => notes),
    ...failures.map((failure) => `FAILED ${failure}`),
  ];
  return `${parts.filter(Boolean).join("\n\n")}\n`;
}

const others = (sides: readonly string[]) => sides.slice(1).map((side) => `times better than ${side}`);

function rowsOf(results: Results): string[][] {
  return results.measures
    .filter(({ along }) => along === undefined)
    .flatMap(({ rows }) =>
      rows
        .filter(({ spreads }) => spreads.some(Boolean))
        .map((row) => {
          const { figures, ratios, goal, met, ofLimit } = verdictOn(row, results);
          return [
            row.title,
            row.unit,
            ...figures,
            ...ratios,
            goal,
            met === undefined ? "" : met ? "yes" : "no",
            ofLimit,
          ];
        }),
    );
}

function curvesOf({ rows, along = "" }: MeasureResults, sides: readonly string[]): string {
  return rows
    .map((row) => {
      const xs = [...new Set((row.curves ?? []).flatMap((points) => points.map(({ x }) => x)))];
      const lines = xs.map((x) => [
        shown(x),
        ...(row.curves ?? []).map((points) => {
          const found = points.find((point) => point.x === x);
          return found ? describeSpread(found.spread) : "–";
        }),
      ]);
      return `${row.title}, ${row.unit}\n${tableOf([along, ...sides], lines)}`;
    })
    .join("\n\n");
}

/** Columns as wide as their widest cell. */
function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "";
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? "").length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd();
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
