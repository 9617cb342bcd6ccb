/** The value of one figure (with its labels, as it stands in the text) of a master's `/metrics`; undefined when absent. */
export async function readMetric(base: string, figure: string): Promise<number | undefined> {
  const text = await (await fetch(new URL("metrics", base))).text();
  const line = text.split("\n").find((candidate) => candidate.startsWith(`${figure} `));
  return line === undefined ? undefined : Number(line.slice(figure.length + 1));
}

/** "p50 0.2 s, p99 1.3 s, max 1.4 s" of times in seconds. */
export function describeTimes(seconds: readonly number[]): string {
  const sorted = [...seconds].sort((a, b) => a - b);
  const at = (quantile: number) => sorted[Math.min(sorted.length - 1, Math.floor(quantile * sorted.length))] ?? 0;
  return `p50 ${at(0.5).toFixed(3)} s, p99 ${at(0.99).toFixed(3)} s, max ${(sorted.at(-1) ?? 0).toFixed(3)} s`;
}
