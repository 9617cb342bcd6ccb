/** Percentile of figures, 0 to 1; NaN when there are none. */
export function percentile(figures: readonly number[], p: number): number {
  const sorted = [...figures].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(p * sorted.length) - 1)] ?? Number.NaN;
}

/** "p50 1.8 s, p99 2.4 s, max 2.6 s (120)", of milliseconds. */
export function describeMs(figures: readonly number[]): string {
  if (figures.length === 0) return "none";
  const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`;
  const parts = [
    ["p50", percentile(figures, 0.5)],
    ["p99", percentile(figures, 0.99)],
    ["max", Math.max(...figures)],
  ] as const;
  return `${parts.map(([name, ms]) => `${name} ${seconds(ms)}`).join(", ")} (${figures.length})`;
}
