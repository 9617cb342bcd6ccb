/** The slot to decide now, and how many before it pass undecided; or only when the next one is. */
export interface Due {
  slot?: number;
  passed: number;
  next?: number | undefined;
}

/** More missed slots than this are not counted one by one. */
const mostCounted = 1000;

/** Finds the newest slot that is due. All times are in seconds. */
export function findDue(
  timed: { next(after: number): number | undefined; runAtStart: boolean },
  { since, last }: { since: number; last: number | null },
  now: number,
): Due {
  if (last === null && timed.runAtStart) return { slot: Math.floor(since), passed: 0 };
  const after = Math.max(since, last ?? 0);
  let slot: number | undefined;
  for (let passed = -1; passed < mostCounted; passed++) {
    const next = timed.next(slot ?? after);
    if (next === undefined || next > now) return slot === undefined ? { passed: 0, next } : { slot, passed };
    slot = next;
  }
  return { slot: findNewest(timed, slot as number, now), passed: mostCounted };
}

/** The newest slot up to now, when very many lie before it. */
function findNewest(timed: { next(after: number): number | undefined }, after: number, now: number): number {
  for (let window = 60; now - window > after; window *= 4) {
    let slot: number | undefined;
    for (let next = timed.next(now - window); next !== undefined && next <= now; next = timed.next(next)) slot = next;
    if (slot !== undefined) return slot;
  }
  return after;
}
