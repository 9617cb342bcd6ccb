import { duration } from "@multimaster/core";
import { z } from "zod";

const results = ["success", "warnings", "failure", "skipped", "exception", "retry", "cancelled"] as const;

/** What a rule deletes. */
const deletable = ["builds", "logs", "test results", "changes", "audit trail"] as const;

/** The conditions that only builds have. */
const ofBuilds = ["beyondNewest", "builders", "tags", "branches", "results"] as const;

const patterns = z.array(z.string().min(1)).min(1).optional();

const rule = z
  .strictObject({
    name: z.string().min(1).max(70).describe("Names the rule in reports and metrics."),
    delete: z
      .enum(deletable)
      .describe(
        '"builds" with all that is part of them, only their "logs" or "test results", "changes" that no build refers to, or rows of the "audit trail".',
      ),
    olderThan: duration.optional().describe("Only what ended, or was added, longer ago than this."),
    beyondNewest: z
      .int()
      .positive()
      .optional()
      .describe(
        "Only builds that are not among so many newest ones of their builder, whatever their branch and result.",
      ),
    builders: patterns.describe("Only builds of builders with such names; * matches any text."),
    tags: patterns.describe("Only builds of builders that have one of these tags."),
    branches: patterns.describe('Only builds all of whose branches match; * matches any text, "" is no branch.'),
    results: z.array(z.enum(results)).min(1).optional().describe("Only builds with one of these results."),
  })
  .superRefine((given, ctx) => {
    const complain = (key: string, message: string) => ctx.addIssue({ code: "custom", path: [key], message });
    const isOfBuilds = given.delete !== "changes" && given.delete !== "audit trail";
    if (given.olderThan === undefined && given.beyondNewest === undefined)
      complain("olderThan", isOfBuilds ? "a rule needs olderThan, beyondNewest or both" : "this rule needs olderThan");
    if (isOfBuilds) return;
    for (const key of ofBuilds)
      if (given[key] !== undefined)
        complain(key, `${given.delete === "changes" ? "changes are" : "the audit trail is"} deleted by age alone`);
  });

/** What is deleted when it is old, and what stays all the same. */
export const retentionConfig = z
  .strictObject({
    rules: z.array(rule).default([]).describe("Each is applied on its own; what no rule matches is kept."),
    every: duration.prefault("6h").describe("Time from the end of a run to the beginning of the next."),
    youngest: duration
      .prefault("1d")
      .describe("What ended, or was added, within this time is never deleted, whatever the rules say."),
    keepLastSuccess: z
      .boolean()
      .default(true)
      .describe("Whether a builder's last successful build of each branch stays."),
  })
  .superRefine(({ rules }, ctx) => {
    for (const [i, { name }] of rules.entries())
      if (rules.findIndex((other) => other.name === name) !== i)
        ctx.addIssue({ code: "custom", path: ["rules", i, "name"], message: `another rule is named "${name}"` });
  });

export type RetentionConfig = z.output<typeof retentionConfig>;
export type RetentionRule = RetentionConfig["rules"][number];
