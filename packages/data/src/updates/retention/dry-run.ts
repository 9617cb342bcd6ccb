import type { Database } from "@multimaster/database";
import type { RetentionReport } from "../../model/retention-report.ts";
import { applyRules, runPosition } from "./apply-rules.ts";
import { countedDeletions } from "./deletions.ts";
import type { RetentionPlan } from "./rules.ts";
import { readClock } from "./run-retention.ts";
import { SettledParts } from "./settled-parts.ts";

/** Counts what the rules would delete now, each by itself: what two rules take counts for both. Writes nothing. */
export async function dryRunRetention(database: Database, plan: RetentionPlan): Promise<RetentionReport> {
  const report: RetentionReport = { rules: [] };
  await applyRules({
    plan,
    reading: database,
    deletions: countedDeletions(database),
    report,
    now: await readClock(database),
    from: runPosition.parse({}),
    settled: new SettledParts(),
    step: async () => {},
  });
  return report;
}
