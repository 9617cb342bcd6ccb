import type { Results, RowResults } from "../run-measures.ts";
import { type Spread, shown } from "../statistics.ts";

/** How one row stands, as text for its cells. */
export interface Verdict {
  /** One cell for each side: "12.3 (11.9 – 12.8)". */
  readonly figures: readonly string[];
  /** How many times better the first side is than each other one. */
  readonly ratios: readonly string[];
  readonly goal: string;
  /** Undefined: no goal, or nothing to judge it by. */
  readonly met: boolean | undefined;
  /** The share of the raw limit that the first side reaches. */
  readonly ofLimit: string;
}

export function verdictOn(row: RowResults, results: Results): Verdict {
  const [first, ...others] = row.spreads;
  const ratios = others.map((other) => (first && other ? timesBetter(row, first.median, other.median) : undefined));
  const limit = results.limits.find(({ name }) => name === row.limit)?.spread.median;
  const share = first && limit !== undefined ? shareOf(row, first.median, limit) : undefined;
  return {
    figures: row.spreads.map((spread) => (spread ? describeSpread(spread) : "–")),
    ratios: ratios.map((ratio) => (ratio === undefined ? "–" : `${shown(ratio)} ×`)),
    goal: row.goal?.text ?? "",
    met: first ? isMet(row, first.median, ratios.at(-1), share) : undefined,
    ofLimit: share === undefined ? "" : describeShare(share),
  };
}

export function describeSpread({ min, median, max, rounds }: Spread): string {
  return rounds === 1 ? shown(median) : `${shown(median)} (${shown(min)} – ${shown(max)})`;
}

function timesBetter({ better }: RowResults, first: number, other: number): number {
  return better === "more" ? first / other : other / first;
}

function shareOf({ better }: RowResults, figure: number, limit: number): number {
  return better === "more" ? figure / limit : limit / figure;
}

function describeShare(share: number): string {
  return share >= 0.1 ? `${Math.round(share * 100)} %` : `${(share * 100).toFixed(1)} %`;
}

function isMet(
  { goal, better }: RowResults,
  figure: number,
  ratio: number | undefined,
  share: number | undefined,
): boolean | undefined {
  if (goal?.times !== undefined) return ratio === undefined ? undefined : ratio >= goal.times;
  if (goal?.at !== undefined) return better === "more" ? figure >= goal.at : figure <= goal.at;
  if (goal?.ofLimit !== undefined) return share === undefined ? undefined : share >= goal.ofLimit;
  return undefined;
}
