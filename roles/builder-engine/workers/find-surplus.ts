import type { EngineLoad } from "@multimaster/data";

/** An engine may have so much more than its share, as a part of it: workers are not moved to and fro for a few. */
const tolerance = 0.25;

/**
 * How many workers this engine has beyond its share; 0 while it is within the tolerance, and whenever workers move by
 * themselves: some engine starts, drains, has just joined (`settlingS`), or is of another release.
 */
export function findSurplus(masterid: number, engines: readonly EngineLoad[], settlingS: number): number {
  const own = engines.find((engine) => engine.masterid === masterid);
  if (!own || engines.length < 2) return 0;
  const isMoving = engines.some(({ running, age, release }) => !running || age < settlingS || release !== own.release);
  if (isMoving) return 0;
  const total = engines.reduce((sum, { workers }) => sum + workers, 0);
  const share = Math.ceil(total / engines.length);
  const surplus = own.workers - share;
  return surplus > Math.max(1, share * tolerance) ? surplus : 0;
}
