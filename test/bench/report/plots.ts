import type { RowResults } from "../run-measures.ts";
import { type Spread, shown } from "../statistics.ts";

export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

const width = 360;
const bar = 22;
const left = 10;

/** Bars on a logarithmic axis, each with the range of its rounds, and the raw limit as a line. */
export function barsOf(row: RowResults, sides: readonly string[], limit?: number): string {
  const spreads = row.spreads.flatMap((spread) => spread ?? []);
  const figures = [...spreads.flatMap(({ min, max }) => [min, max]), ...(limit === undefined ? [] : [limit])];
  const scale = logScale(figures, width - 2 * left);
  const drawn = row.spreads.map((spread, i) => (spread ? barOf(spread, i, sides[i] ?? "", row.unit, scale) : ""));
  const height = row.spreads.length * (bar + 20) + 20;
  const line =
    limit === undefined
      ? ""
      : `<line x1="${left + scale(limit)}" x2="${left + scale(limit)}" y1="0" y2="${height - 16}" stroke="currentColor" stroke-dasharray="3"/>
<text x="${left}" y="${height - 3}">dashed: raw limit ${shown(limit)}</text>`;
  return `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">${drawn.join("")}${line}</svg>`;
}

function barOf(
  { min, median, max }: Spread,
  side: number,
  title: string,
  unit: string,
  scale: (figure: number) => number,
): string {
  const y = side * (bar + 20) + 16;
  const middle = y + bar / 2;
  return `<text x="${left}" y="${y - 4}">${escaped(title)}: ${shown(median)} ${unit}</text>
<rect class="side-${side}" x="${left}" y="${y}" width="${Math.max(1, scale(median))}" height="${bar}" fill-opacity=".6"/>
<line x1="${left + scale(min)}" x2="${left + scale(max)}" y1="${middle}" y2="${middle}" stroke="currentColor" stroke-width="2"/>`;
}

/** Positions in pixels; the axis begins below the smallest figure, so that the smallest bar can be seen. */
function logScale(figures: readonly number[], pixels: number): (figure: number) => number {
  const positive = figures.filter((figure) => figure > 0);
  const from = Math.log10(Math.min(...positive) / 2);
  const to = Math.log10(Math.max(...positive));
  return (figure) => (figure <= 0 ? 0 : Math.round((pixels * (Math.log10(figure) - from)) / (to - from || 1)));
}

const plotHeight = 200;
const margin = { left: 56, bottom: 36, top: 10, right: 12 };

/** Lines through the medians on two logarithmic axes, with the range of the rounds at each point. */
export function curveOf(row: RowResults, along: string, sides: readonly string[]): string {
  const curves = row.curves ?? [];
  const points = curves.flat();
  const xs = [...new Set(points.map(({ x }) => x))].sort((a, b) => a - b);
  const xScale = logScale(xs, width - margin.left - margin.right);
  const yScale = logScale(
    points.flatMap(({ spread }) => [spread.min, spread.max]),
    plotHeight - margin.top - margin.bottom,
  );
  const xOf = (x: number) => margin.left + xScale(x);
  const yOf = (y: number) => plotHeight - margin.bottom - yScale(y);
  const lines = curves.map((curve, side) => {
    const sorted = [...curve].sort((a, b) => a.x - b.x);
    const path = sorted.map(({ x, spread }) => `${xOf(x)},${yOf(spread.median)}`).join(" ");
    const marks = sorted.map(
      ({ x, spread }) =>
        `<circle class="side-${side}" cx="${xOf(x)}" cy="${yOf(spread.median)}" r="3"/><line class="side-${side}" x1="${xOf(x)}" x2="${xOf(x)}" y1="${yOf(spread.min)}" y2="${yOf(spread.max)}"/>`,
    );
    return `<polyline class="side-${side}" points="${path}" style="fill: none" stroke-width="2"/>${marks.join("")}`;
  });
  const ys = ticksOf(points.map(({ spread }) => spread.median));
  const axes = `${xs.map((x) => `<text x="${xOf(x)}" y="${plotHeight - 20}" text-anchor="middle">${shortened(x)}</text>`).join("")}
${ys.map((y) => `<text x="${margin.left - 6}" y="${yOf(y) + 4}" text-anchor="end">${shown(y)}</text>`).join("")}
<text x="${width - margin.right}" y="${plotHeight - 4}" text-anchor="end">${escaped(along)}</text>`;
  const legend = sides
    .map((side, i) => `<tspan class="side-${i}" dx="8" stroke="none">● ${escaped(side)}</tspan>`)
    .join("");
  const height = plotHeight + 20;
  return `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">${axes}${lines.join("")}<text x="0" y="${height - 4}">${legend}</text></svg>`;
}

/** Three figures of the y axis: the smallest, the largest and the middle between them. */
function ticksOf(figures: readonly number[]): number[] {
  const [low, high] = [Math.min(...figures), Math.max(...figures)];
  return high / low < 1.5 ? [high] : high / low < 4 ? [low, high] : [low, Math.sqrt(low * high), high];
}

function shortened(x: number): string {
  if (x >= 1e6) return `${x / 1e6}M`;
  return x >= 1000 ? `${x / 1000}k` : String(x);
}
