import type { BarFacts } from "../components/build-strip.tsx";

/** A builder whose last finished build failed, and the build with which that began. */
export interface Failing<Facts extends BarFacts = BarFacts> {
  readonly builderid: number;
  readonly last: Facts;
  readonly first: Facts;
  readonly count: number;
}

/** Skipped, retried and cancelled builds do not show whether a builder fails. */
const counts = ({ complete, results }: BarFacts) => complete && results !== null && [0, 1, 2, 4].includes(results);

/** Builders that fail, the longest failing first; `builds` are the recent ones of all builders. */
export function findFailing<Facts extends BarFacts>(builds: readonly Facts[]): Failing<Facts>[] {
  const failing: Failing<Facts>[] = [];
  const byBuilder = new Map<number, Facts[]>();
  for (const build of builds.filter(counts))
    byBuilder.set(build.builderid, [...(byBuilder.get(build.builderid) ?? []), build]);
  for (const [builderid, own] of byBuilder) {
    const newest = own.sort((a, b) => b.number - a.number);
    const good = newest.findIndex(({ results }) => results === 0 || results === 1);
    const bad = good === -1 ? newest : newest.slice(0, good);
    const [last] = bad;
    const first = bad.at(-1);
    if (last && first) failing.push({ builderid, last, first, count: bad.length });
  }
  return failing.sort((a, b) => a.first.started_at - b.first.started_at);
}
