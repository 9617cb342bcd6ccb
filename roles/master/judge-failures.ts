import type { WriteProbe } from "@multimaster/cluster";
import type { RunOptions } from "@multimaster/core";
import type { Database } from "@multimaster/database";

/**
 * When a service counts as failed: when it has failed for longer than an eviction takes, which is more than a bad moment. While
 * the database is away all of them fail, which is reported elsewhere; but not where it refuses only what this service
 * asks, and has taken other writes for as long.
 */
export function judgeFailures(
  leaseMs: number,
  database: { readonly dialect: Pick<Database["dialect"], "isAway"> },
  writes: Pick<WriteProbe, "accepted">,
): Required<RunOptions> {
  const failedAfterMs = 2 * leaseMs;
  return {
    failedAfterMs,
    isPassing(error, since) {
      if (!database.dialect.isAway(error)) return false;
      const { accepted } = writes;
      return accepted === undefined || accepted.to - Math.max(accepted.from, since) < failedAfterMs;
    },
  };
}
