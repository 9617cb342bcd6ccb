import { fitsGlob, type Result, resultName } from "@multimaster/core";
import type { RetentionBuilder } from "@multimaster/database";

/** One rule of the config, with its times in milliseconds. */
export interface RetentionRule {
  readonly name: string;
  readonly delete: "builds" | "logs" | "test results" | "changes" | "audit trail";
  readonly olderThan?: number | undefined;
  readonly beyondNewest?: number | undefined;
  readonly builders?: readonly string[] | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly branches?: readonly string[] | undefined;
  readonly results?: readonly string[] | undefined;
}

/** What is deleted, and what stays all the same. */
export interface RetentionPlan {
  readonly rules: readonly RetentionRule[];
  /** Milliseconds: what is younger stays. */
  readonly youngest: number;
  readonly keepLastSuccess: boolean;
  /** Names of the schedulers that read changes: what they have still to read stays. */
  readonly schedulers: readonly string[];
}

/** Whether a rule is about the builds of a builder. */
export function isAboutBuilder({ builders, tags }: RetentionRule, builder: RetentionBuilder): boolean {
  const isNamed = builders === undefined || builders.some((glob) => fitsGlob(builder.name, glob));
  return isNamed && (tags === undefined || tags.some((tag) => builder.tags.includes(tag)));
}

/** What ended at or before this second is old enough for a rule. */
export function horizonOf({ olderThan = 0 }: RetentionRule, { youngest }: RetentionPlan, now: number): number {
  return Math.floor(now - Math.max(olderThan, youngest) / 1000);
}

/** Whether a rule takes builds with this result. */
export function fitsResults({ results }: RetentionRule, result: number | null): boolean {
  return results === undefined || results.includes(resultName(result as Result));
}

/** Whether a rule takes builds of these branches. */
export function fitsBranches({ branches }: RetentionRule, builds: readonly (string | null)[]): boolean {
  if (branches === undefined) return true;
  // Without a source stamp it is on no branch: only a rule for all branches takes it.
  const own = builds.length === 0 ? [null] : builds;
  return own.every((branch) => branches.some((glob) => fitsGlob(branch ?? "", glob)));
}
